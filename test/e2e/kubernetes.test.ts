import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Container, Volume } from "kubernetes-types/core/v1.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { inShard } from "../../src/plan/shard.ts";
import { attempt } from "../support/command.ts";
import { registryAccount, startDockerRegistry } from "../support/docker-registry.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import type { Kinds } from "../support/kubernetes-kinds.ts";
import { makeImage, pushMade } from "../support/make-image.ts";
import { readImage } from "../support/read-image.ts";
import type { Registry } from "../support/registry.ts";
import { type CliResult, cliPath, isolatedEnvironment, runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));
const page = await readFile(join(project, "docs/kubernetes.md"), "utf8");
const objects = blocks("yaml").map((text) => parse(text));

/** What the page's ConfigMap means of the near registry. */
const mirrored = ["app:1.0", "app:1.1", "node-runtime:22.1", "node-runtime:24"];

function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(
    ([, text = ""]) => text,
  );
}

function objectOf<Kind extends keyof Kinds>(kind: Kind): Kinds[Kind] {
  const found = objects.filter((each) => each.kind === kind);
  expect(found, kind).toHaveLength(1);
  return found[0];
}

test("objects of docs/kubernetes.md have the fields that Kubernetes and Tekton know, and no others", async () => {
  expect(objects.map(({ kind }) => kind)).toEqual([
    ...["ConfigMap", "Secret", "Job", "CronJob", "Task", "Pipeline"],
  ]);
  const wrong = structuredClone(objectOf("Job"));
  Object.assign(wrong.spec?.template.spec?.containers[0]?.securityContext ?? {}, {
    readOnlyRootFileSystem: true,
  });
  const directory = await temporaryDirectory("kubernetes-types");
  await symlink(join(project, "node_modules"), join(directory, "node_modules"));
  await writeFile(
    join(directory, "objects.ts"),
    [
      `import type { Kinds } from ${JSON.stringify(join(project, "test/support/kubernetes-kinds.ts"))};`,
      ...objects.map(
        (each) => `export const a${each.kind}: Kinds["${each.kind}"] = ${JSON.stringify(each)};`,
      ),
      "// @ts-expect-error: the name of a field is misspelled",
      `export const wrong: Kinds["Job"] = ${JSON.stringify(wrong)};`,
    ].join("\n"),
  );
  const flags = ["--noEmit", "--strict", "--skipLibCheck", "--allowImportingTsExtensions"];
  const { status, stdout } = await attempt(
    join(project, "node_modules/.bin/tsc"),
    [...flags, "--module", "nodenext", "--target", "es2024", "--types", "", "objects.ts"],
    { cwd: directory },
  );
  expect({ status, stdout: stdout.toString() }).toEqual({ status: 0, stdout: "" });
});

describeWith(["cli", "docker-registry"], "the containers of docs/kubernetes.md", () => {
  let near: Registry;
  let far: Registry;

  beforeAll(async () => {
    [near, far] = await Promise.all([startEmbeddedRegistry(), startDockerRegistry({ authenticated: true })]);
    for (const name of [...mirrored, "app:2.0", "node-runtime:21.0"]) {
      const image = makeImage({ layers: [{ files: [{ path: "name", content: name }] }] });
      await pushMade(image, near.url, name);
    }
  });
  afterAll(async () => {
    for (const registry of [near, far]) await registry.stop();
  });

  test("of the Job bring the share of their index", async () => {
    const { spec } = objectOf("Job");
    const [container] = spec?.template.spec?.containers ?? [];
    const share = container?.args?.find((argument) => argument.startsWith("auto/"));
    expect(share).toBe(`auto/${spec?.completions}`);
    const [target = "", tag = ""] = mirrored.at(-1)?.split(":") ?? [];
    const count = spec?.completions ?? 0;
    const index = Array.from({ length: count }, (_, i) => i + 1).findIndex((number) =>
      inShard({ target, tag }, { number, count }),
    );
    const result = await runContainer(container, spec?.template.spec?.volumes, {
      JOB_COMPLETION_INDEX: `${index}`,
    });
    expect(imagesOf(result, "inside/")).toContain("node-runtime:24");
    expect(imagesOf(result, "inside/").length).toBeLessThan(mirrored.length);
  });

  test("of the CronJob write an archive in parts, and a lock", async () => {
    const pod = objectOf("CronJob").spec?.jobTemplate.spec?.template.spec;
    const archive = await temporaryDirectory("claim");
    const result = await runContainer(pod?.containers[0], pod?.volumes, {}, archive);
    expect((await readdir(archive)).sort()).toEqual([
      ...["images.tar.001", "images.tar.sha256", "mirror.lock.json"],
    ]);
    expect(result.stdout.trim().split("\n")).toHaveLength(mirrored.length);
  });

  test("of the Task bring all that the Pipeline's shares come to", async () => {
    const { spec } = objectOf("Task");
    const [pipelined] = objectOf("Pipeline").spec.tasks;
    const shares = pipelined?.matrix?.params.find(({ name }) => name === "shard")?.value ?? [];
    const [source, registries] = [await temporaryDirectory("source"), await temporaryDirectory("registries")];
    await writeFile(join(source, "mirror.yaml"), here(objectOf("ConfigMap").data?.["mirror.yaml"] ?? ""));
    await writeFile(join(registries, ".dockerconfigjson"), credentials());
    const values: Record<string, string> = {
      ...Object.fromEntries((spec.params ?? []).map((param) => [`params.${param.name}`, `${param.default}`])),
      "params.destination": `${far.host}/tekton`,
      "workspaces.source.path": source,
      "workspaces.registries.path": registries,
    };
    const results = await Promise.all(
      [...shares].map((shard) => {
        const known: Record<string, string> = { ...values, "params.shard": shard };
        const args = (spec.steps[0]?.args ?? []).map((argument) =>
          argument.replaceAll(/\$\(([\w.]+)\)/g, (whole, name: string) => known[name] ?? whole),
        );
        return runInReadOnly(args, {});
      }),
    );
    expect(results.flatMap((result) => imagesOf(result, "tekton/")).sort()).toEqual(mirrored);
    expect(spec.workspaces?.map(({ name }) => name)).toEqual(pipelined?.workspaces?.map(({ name }) => name));
  });

  test("are of an image that is made as the page says", async () => {
    const home = await temporaryDirectory("tool");
    const installed = "tool/node_modules/compose-image/dist/cli/main.js";
    await mkdir(dirname(join(home, installed)), { recursive: true });
    await writeFile(join(home, installed), "main()");
    const [script = ""] = blocks("sh");
    const [install, ...compose] = script.split("\n");
    expect(install).toMatch(/^npm install --prefix tool /);
    const run = `compose-image() { "${process.execPath}" "${cliPath}" "$@"; }\n${here(compose.join("\n"))}`;
    const { status, stderr } = await attempt("bash", ["-euc", run], {
      cwd: home,
      env: isolatedEnvironment(home, home),
    });
    expect(status, stderr).toBe(0);
    const { config, top } = await readImage(`${near.host}/tools/compose-image:1`);
    expect(config.config).toMatchObject({
      User: "1001",
      Entrypoint: ["node", "/opt/node_modules/compose-image/dist/cli/main.js"],
    });
    expect([...top.entries.keys()]).toContain("opt/node_modules/compose-image/dist/cli/main.js");
  });

  /** Runs a container's command with its volumes and environment. */
  async function runContainer(
    container: Container | undefined,
    volumes: readonly Volume[] = [],
    given: Readonly<Record<string, string>> = {},
    claim?: string,
  ): Promise<CliResult> {
    const paths = new Map<string, string>();
    for (const { name, mountPath } of container?.volumeMounts ?? []) {
      const volume = volumes.find((each) => each.name === name);
      if (volume === undefined) throw new Error(`there is no volume ${name}`);
      if (mountPath === "/tmp") continue;
      paths.set(
        mountPath,
        claim !== undefined && volume.persistentVolumeClaim ? claim : await filled(volume),
      );
    }
    const placed = (text: string): string =>
      [...paths].reduce((done, [path, directory]) => done.replaceAll(path, directory), here(text));
    const env = (container?.env ?? []).map(({ name, value = "" }) => [name, placed(value)]);
    return runInReadOnly((container?.args ?? []).map(placed), { ...Object.fromEntries(env), ...given });
  }

  /** A volume's content, from the objects on the page. */
  async function filled({ name, configMap, secret }: Volume): Promise<string> {
    const directory = await temporaryDirectory("volume");
    if (configMap !== undefined) {
      expect(configMap.name).toBe(objectOf("ConfigMap").metadata?.name);
      for (const [file, text] of Object.entries(objectOf("ConfigMap").data ?? {})) {
        await writeFile(join(directory, file), here(text));
      }
    } else if (secret !== undefined) {
      expect(secret.secretName).toBe(objectOf("Secret").metadata?.name);
      for (const { key, path } of secret.items ?? []) {
        expect(Object.keys(objectOf("Secret").stringData ?? {})).toContain(key);
        await writeFile(join(directory, path), credentials());
      }
    } else throw new Error(`volume ${name} is not known`);
    return directory;
  }

  /** The Secret's document with what lets in, in the place of what does not. */
  function credentials(): string {
    const text = here(objectOf("Secret").stringData?.[".dockerconfigjson"] ?? "");
    const { username, password } = registryAccount;
    return text.replaceAll("…", Buffer.from(`${username}:${password}`).toString("base64"));
  }

  /** Runs the command, and expects nothing to be left in its home and temporary directory. */
  async function runInReadOnly(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<CliResult> {
    const result = await runCli(args, { env });
    expect(result.status, `${args.join(" ")}: ${result.stderr}`).toBe(0);
    expect([await readdir(result.home), await readdir(result.temporary)]).toEqual([[], []]);
    return result;
  }

  function here(text: string): string {
    return text.replaceAll("registry.example", near.host).replaceAll("mirror.example", far.host);
  }

  function imagesOf({ stdout }: CliResult, prefix: string): string[] {
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.slice(`${far.host}/${prefix}`.length, line.indexOf("@")));
  }
});
