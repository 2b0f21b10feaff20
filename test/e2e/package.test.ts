import { readFile, stat, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { nodeOfMajor } from "../../scripts/house/other-nodes.ts";
import { attempt, type CommandResult, run } from "../support/command.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));

describeWith(["cli"], "the published package", () => {
  let version: string;
  let files: string[];
  let consumer: string;
  let installed: string;

  beforeAll(async () => {
    version = JSON.parse(await readFile(join(project, "package.json"), "utf8")).version;
    const packed = await temporaryDirectory("pack");
    await run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", packed], {
      cwd: project,
    });
    const tarball = join(packed, `compose-image-${version}.tgz`);
    const listing = await run("tar", ["-tzf", tarball]);
    files = listing.toString().trim().split("\n");

    consumer = await temporaryDirectory("consumer");
    await writeFile(join(consumer, "package.json"), '{ "private": true, "type": "module" }\n');
    const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
    await run("npm", ["install", "--omit=dev", ...quiet, tarball], { cwd: consumer });
    installed = join(consumer, "node_modules", "compose-image");
  });

  test("holds the built modules, their types and the documents a package is read by, and nothing else", () => {
    const expected =
      /^package\/(dist\/([\w-]+\/)*[\w-]+\.(js|d\.ts)|README\.md|CHANGELOG\.md|LICENSE|package\.json)$/;
    expect(files.filter((file) => !expected.test(file))).toEqual([]);
    expect(files).toEqual(
      expect.arrayContaining([
        "package/CHANGELOG.md",
        "package/LICENSE",
        "package/README.md",
        "package/dist/cli/main.js",
        "package/dist/index.d.ts",
        "package/dist/index.js",
        "package/package.json",
      ]),
    );
  });

  test("names no path of the machine it was built on, and imports no module by its TypeScript name", async () => {
    for (const file of files) {
      const text = await readFile(join(installed, file.slice("package/".length)), "utf8");
      expect(text, file).not.toContain(project);
      if (file.endsWith(".js")) expect(text, file).not.toMatch(/(from |import\()"\.[^"]*\.ts"/);
    }
  });

  test("brings no development dependency along", async () => {
    const manifest = JSON.parse(await readFile(join(project, "package.json"), "utf8"));
    for (const name of Object.keys(manifest.devDependencies)) {
      if (name in manifest.dependencies) continue;
      await expect(stat(join(consumer, "node_modules", name)), name).rejects.toThrow("ENOENT");
    }
  });

  test.each([22, 24, 26])("`compose-image --version` prints the version on Node %i", async (major) => {
    expect(await onNode(major, ["--version"])).toMatchObject({
      status: 0,
      stdout: Buffer.from(`${version}\n`),
      stderr: "",
    });
  });

  test("on Node 20 the command says in one line what it needs and exits 2", async () => {
    const { status, stdout, stderr } = await onNode(20, ["--version"]);
    expect(stderr).toMatch(/^[^\n]*22\.19[^\n]*\n$/);
    expect({ status, stdout: stdout.toString() }).toEqual({ status: 2, stdout: "" });
  });

  test.each([22, 24, 26])("Node %i imports the library by its name", async (major) => {
    const program = 'import { compose } from "compose-image"; console.log(typeof compose);';
    const arguments_ = ["--input-type=module", "--eval", program];
    expect((await run(nodeOfMajor(major), arguments_, { cwd: consumer })).toString()).toBe("function\n");
  });

  test("a strict TypeScript project compiles against its types", async () => {
    // A declaration whose imports do not resolve makes `compose` an `any`, which this refuses.
    await writeFile(
      join(consumer, "consumer.ts"),
      `import { compose } from "compose-image";
type IsAny<T> = 0 extends 1 & T ? true : false;
export const typed: [IsAny<typeof compose>, IsAny<Parameters<typeof compose>[0]>] = [false, false];
export const call: (...args: never[]) => Promise<unknown> = compose;
`,
    );
    const options = { strict: true, noEmit: true, module: "nodenext", target: "es2024", skipLibCheck: true };
    const typeRoots = [join(project, "node_modules", "@types")];
    await writeFile(
      join(consumer, "tsconfig.json"),
      JSON.stringify({ compilerOptions: { ...options, types: ["node"], typeRoots }, files: ["consumer.ts"] }),
    );
    const tsc = join(project, "node_modules", "typescript", "bin", "tsc");
    await run(process.execPath, [tsc, "-p", consumer], { cwd: consumer });
  });

  /** The command as a shell would find it, with that Node first on PATH. */
  function onNode(major: number, args: readonly string[]): Promise<CommandResult> {
    const path = [dirname(nodeOfMajor(major)), process.env.PATH].join(delimiter);
    const command = join(consumer, "node_modules", ".bin", "compose-image");
    return attempt(command, args, { cwd: consumer, env: { ...process.env, PATH: path } });
  }
});
