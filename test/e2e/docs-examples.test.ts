import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { attempt } from "../support/command.ts";
import { type ComposeScene, composeScene } from "../support/compose-scene.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { makeImage, pushMade } from "../support/make-image.ts";
import { readImage } from "../support/read-image.ts";
import { cliPath, isolatedEnvironment, runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));

/** A fenced block of a document. */
interface Example {
  readonly document: string;
  /** Counted from 1. */
  readonly line: number;
  readonly text: string;
}

const documents = await Promise.all(
  [
    "README.md",
    ...(await readdir(join(project, "docs")))
      .filter((name) => name.endsWith(".md"))
      .map((name) => `docs/${name}`),
  ].map(async (name) => ({ name, text: await readFile(join(project, name), "utf8") })),
);
/** Those that say where an image goes; the documents show other YAML too, that of a cluster with a test of its own. */
const files = examplesIn("yaml").filter(
  ({ document, text }) =>
    document !== "docs/kubernetes.md" && /^(?:tags:|kind:(?! Image\w+MirrorSet$))/m.test(text),
);

function examplesIn(language: string): Example[] {
  return documents.flatMap(({ name, text }) =>
    [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map((match) => ({
      document: name,
      line: text.slice(0, match.index).split("\n").length,
      text: match[1] ?? "",
    })),
  );
}

/** What the documents say goes with an example. */
function argumentsFor({ text }: Example): string[] {
  return [
    ...(text.includes("${VERSION}") ? ["--var", "VERSION=1.2.3"] : []),
    ...(text.includes("$(workspace)") ? ["--set", "workspace=/opt/app-root"] : []),
    ...(text.includes("ImageStreamTag") ? ["--imagestream-registry", "registry.example"] : []),
  ];
}

describeWith(["cli"], "the files that the documents show", () => {
  let scene: ComposeScene;

  beforeAll(async () => {
    scene = await composeScene(await startEmbeddedRegistry());
    await pushMade(scene.base, scene.registry.url, "node-runtime:24");
    await pushMade(scene.base, scene.registry.url, "runtime:1");
    await pushBuilders();
  });
  afterAll(() => scene.stop());

  async function pushBuilders(): Promise<void> {
    const directories = ["opt/", "opt/app-root/", "opt/app-root/src/", "opt/app-root/src/dist/"];
    const app = makeImage({
      layers: [
        {
          files: [
            ...directories.map((path) => ({ path })),
            { path: "opt/app-root/src/dist/server.js", content: "listen()" },
          ],
        },
      ],
    });
    const tools = makeImage({
      layers: [
        {
          files: [
            { path: "usr/" },
            { path: "usr/bin/" },
            { path: "usr/bin/tini", content: "tini" },
            { path: "usr/bin/check", content: "check" },
          ],
        },
      ],
    });
    await pushMade(app, scene.registry.url, "app-builder:sha-1a2b");
    await pushMade(tools, scene.registry.url, "tools:1");
    const golang = makeImage({
      layers: [{ files: [{ path: "go/" }, { path: "go/bin/" }, { path: "go/bin/app", content: "app" }] }],
    });
    await pushMade(golang, scene.registry.url, "golang:1.24");
    await pushMade(golang, scene.registry.url, "openshift/release:golang-1.24");
  }

  test("are there", () => {
    expect(files.length).toBeGreaterThan(4);
  });

  test.each(files)("compose as they stand: $document, line $line", async (example) => {
    await pushBuilders();
    const replace = ["--replace", `registry.example=${scene.registry.host}`];
    const result = await runCli(["-f", "-", ...replace, ...argumentsFor(example)], { input: example.text });
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(result.stdout.trim().split("\n")).toHaveLength(documentsOf(example).length);
  });

  test.each(files.filter(({ text }) => !text.includes("kind: Build")))(
    "are valid by the schema that is printed: $document, line $line",
    async (example) => {
      const { stdout } = await runCli(["schema"]);
      const validate = new Ajv2020({ allowUnionTypes: true }).compile(JSON.parse(stdout));
      for (const document of documentsOf(example)) {
        expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
      }
    },
  );

  test("go with the commands that stand beside them", async () => {
    const filesOf = {
      "docs/compose-file.md": "compose.yaml",
      "docs/shipwright.md": "build.yaml",
      "README.md": "compose.yaml",
    };
    for (const [document, file] of Object.entries(filesOf)) {
      await pushBuilders();
      const home = await temporaryDirectory("docs-home");
      const [example] = files.filter((each) => each.document === document);
      await writeFile(
        join(home, file),
        (example?.text ?? "").replaceAll("registry.example", scene.registry.host),
      );
      const named = new RegExp(`^compose-image (?:schema |.*-f ${file})`, "m");
      const blocks = examplesIn("sh").filter((each) => each.document === document && named.test(each.text));
      expect(blocks, document).toHaveLength(1);
      const script = `compose-image() { "${process.execPath}" "${cliPath}" "$@"; }\n${blocks[0]?.text}`;
      const result = await attempt("bash", ["-euc", script], {
        cwd: home,
        env: isolatedEnvironment(home, home),
      });
      expect(result, `${document}: ${result.stderr}`).toMatchObject({ status: 0 });
      if (document === "docs/shipwright.md") continue;
      const schema = JSON.parse(await readFile(join(home, "compose.schema.json"), "utf8"));
      expect(schema).toMatchObject({ title: expect.stringContaining("compose.yaml") });
    }
  });

  test("say what a Dockerfile says, with the command beside it", async () => {
    await pushBuilders();
    const home = await temporaryDirectory("docs-dockerfile");
    const [dockerfile] = examplesIn("dockerfile").filter(({ document }) => document === "docs/dockerfile.md");
    const [command] = examplesIn("sh").filter(({ document }) => document === "docs/dockerfile.md");
    const placed = (example: Example | undefined): string =>
      (example?.text ?? "").replaceAll("registry.example", scene.registry.host);
    await writeFile(join(home, "Dockerfile"), placed(dockerfile));
    const script = `compose-image() { "${process.execPath}" "${cliPath}" "$@"; }\n${placed(command)}`;
    const result = await attempt("bash", ["-euc", script], {
      cwd: home,
      env: isolatedEnvironment(home, home),
    });
    expect(result, result.stderr).toMatchObject({ status: 0 });
    const { config } = await readImage(`${scene.registry.host}/app:1.2.3`);
    expect(config.config).toMatchObject({
      Env: ["PATH=/run/app/bin:/bin"],
      Labels: { "org.opencontainers.image.version": "1.2.3" },
      User: "1001",
    });
  });

  test.each(["docs/openshift.md", "docs/ci-operator.md"])(
    "are what every command of their document wants: %s",
    async (document) => {
      const home = await temporaryDirectory("docs-home");
      const here = (text: string) => text.replaceAll("registry.example", scene.registry.host);
      for (const { text, ...block } of [...examplesIn("yaml"), ...examplesIn("dockerfile")]) {
        const name = /^# (\S+)\n/.exec(text)?.[1];
        if (block.document !== document || name === undefined) continue;
        await mkdir(dirname(join(home, name)), { recursive: true });
        await writeFile(join(home, name), here(text));
      }
      const scripts = examplesIn("sh").filter((each) => each.document === document);
      const script = [
        `compose-image() { "${process.execPath}" "${cliPath}" "$@"; }`,
        ...scripts.map(({ text }) => here(text)),
      ].join("\n");
      const result = await attempt("bash", ["-euc", script], {
        cwd: home,
        env: isolatedEnvironment(home, home),
      });
      expect(result, result.stderr).toMatchObject({ status: 0 });
      expect(result.stdout.toString().trim().split("\n")).toHaveLength(scripts.length);
    },
  );

  test("say what the first example of the README says: the image is the same", async () => {
    const flags = [
      "--builder",
      "registry.example/app-builder:sha-1a2b",
      "--base",
      "registry.example/node-runtime:24",
    ];
    await pushBuilders();
    const replace = ["--replace", `registry.example=${scene.registry.host}`];
    const byFlags = await runCli([
      ...[...flags, "--directory", "/opt/app-root/src:/run/app", "--env", "NODE_ENV=production"],
      ...["--workdir", "/run/app", "--entrypoint", '["node","dist/server.js"]'],
      ...["--tag", "registry.example/app:1.2.3", ...replace],
    ]);
    const [example] = files.filter(({ document }) => document === "README.md");
    const byFile = await runCli(["-f", "-", "--var", "VERSION=1.2.3", ...replace], {
      input: example?.text ?? "",
    });
    expect(byFlags, byFlags.stderr).toMatchObject({ status: 0 });
    expect(byFile.stdout).toBe(byFlags.stdout);
  });
});

function documentsOf({ text }: Example): unknown[] {
  const parsed = parseAllDocuments(text);
  return Array.isArray(parsed) ? parsed.map((document) => document.toJS()) : [];
}
