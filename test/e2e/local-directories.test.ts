import { chmod, link, mkdir, open, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createBuildah } from "../support/buildah.ts";
import { run } from "../support/command.ts";
import { composeArguments } from "../support/compose-scene.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { makeImage, pushMade } from "../support/make-image.ts";
import { runMeasured } from "../support/peak-memory.ts";
import { expectMessage } from "../support/refusal.ts";
import { registryKinds } from "../support/registries.ts";
import type { Registry } from "../support/registry.ts";
import { runCli } from "../support/run-cli.ts";
import { createSandbox } from "../support/sandbox.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";
import { readTree, type Tree } from "../support/tree.ts";
import { diffTrees, formatDifferences } from "../support/tree-diff.ts";
import { unpack } from "../support/unpack.ts";

const base = makeImage({
  layers: [
    {
      files: [
        { path: "etc/" },
        { path: "etc/passwd", content: "root:x:0:0::/:/bin/sh\nweb:x:1001:1002::/srv:/bin/sh\n" },
        { path: "etc/group", content: "root:x:0:\n" },
        { path: "srv/", mode: 0o2775, uid: 3, gid: 4 },
        { path: "srv/conf/", mode: 0o700 },
        { path: "data", linkname: "srv" },
      ],
    },
  ],
});

/** A context with one of all that is treated in a way of its own. */
async function makeContext(): Promise<string> {
  const context = await temporaryDirectory("context");
  const at = (path: string): string => join(context, path);
  for (const path of ["src/lib", "conf", "dist/keep", "dist/drop", "node_modules/x", "empty"])
    await mkdir(at(path), { recursive: true });
  const files = {
    "src/server.js": "console.log(1);\n",
    "src/lib/util.js": "",
    "src/lib/big": "x".repeat(300_000),
    "conf/app.conf": "a=1\n",
    "dist/keep/a.js": "kept\n",
    "dist/drop/b.js": "dropped\n",
    "node_modules/x/index.js": "ignored\n",
    "a.js": "a\n",
    "b.js": "b\n",
    "debug.log": "ignored\n",
  };
  for (const [path, content] of Object.entries(files)) await writeFile(at(path), content);
  await writeFile(at(".dockerignore"), "# of the build\n*.log\n/node_modules\ndist\n!dist/keep\n");
  await writeFile(Buffer.from(`${at("src/caf")}\xe9`, "latin1"), "latin1\n");
  await link(at("src/server.js"), at("src/linked.js"));
  await symlink("../../../etc/passwd", at("src/passwd"));
  await symlink("src", at("current"));
  await chmod(at("src"), 0o750);
  // Neither setuid nor setgid: buildah takes these bits away, BuildKit does not.
  await chmod(at("src/server.js"), 0o751);
  await chmod(at("conf/app.conf"), 0o600);
  await run("chown", ["7:8", at("conf/app.conf")]);
  return context;
}

const copies = [
  { sources: ".", destination: "/app/" },
  { sources: "current", destination: "/srv/current" },
  { sources: "*.js", destination: "/srv/js/" },
  { sources: "conf", destination: "/data/conf" },
];

describeWith(
  ["cli", "buildah", "skopeo", "umoci", "getfattr", "root"],
  "a directory of this machine as a builder",
  () => {
    let context: string;
    let theirs: Tree;

    beforeAll(async () => {
      context = await makeContext();
      const layout = await temporaryDirectory("buildah-layout");
      const buildah = await createBuildah();
      const registry = await startEmbeddedRegistry();
      await buildah.pull(`docker://${await pushMade(base, registry.url, "local/base:1")}`, "base");
      await registry.stop();
      const instructions = copies.map(({ sources, destination }) => `COPY ${sources} ${destination}\n`);
      const dockerfile = `FROM localhost/base\n${instructions.join("")}`;
      await buildah.build({ dockerfile, context, name: `oci:${layout}:theirs` });
      theirs = await readTree(await unpack(`oci:${layout}:theirs`));
    });

    for (const kind of registryKinds) {
      describeWith(kind.needs, `with ${kind.name}`, () => {
        let registry: Registry;

        beforeAll(async () => {
          registry = await kind.start();
        });
        afterAll(() => registry.stop());

        test("gives what buildah's COPY takes from the same context, but for times", async () => {
          const tag = `${registry.host}/local/app:1`;
          const result = await runCli(
            composeArguments({
              builder: `local:${context}`,
              base: await pushMade(base, registry.url, "local/base:1"),
              directory: copies.map(({ sources, destination }) => `${sources}:${destination}`),
              tag,
            }),
          );
          expect(result, result.stderr).toMatchObject({ status: 0 });
          const ours = await readTree(await unpack(`docker://${tag}`));
          expect(ours.get("srv/js/a.js")?.type).toBe("file");
          expect(ours.get("srv/conf/app.conf")).toMatchObject({ mode: 0o600, uid: 0n, gid: 0n, mtime: 0n });
          const differences = diffTrees(theirs, ours).filter(({ attribute }) => attribute !== "mtime");
          expect(formatDifferences(differences)).toBe("");
        });
      });
    }
  },
);

describeWith(["cli", "bwrap"], "a user without privileges", () => {
  test("copies what is readable, and is told what is not", async () => {
    const context = await temporaryDirectory("context");
    await chmod(context, 0o755);
    await mkdir(join(context, "app"));
    await writeFile(join(context, "app/open"), "open\n");
    await writeFile(join(context, "app/secret"), "secret\n", { mode: 0o000 });
    const sandbox = await createSandbox("TMPDIR");
    const args = (changes: Parameters<typeof composeArguments>[0]): string[] =>
      composeArguments({
        ...{ builder: `local:${context}`, base: "scratch", directory: "app:/app" },
        ...{ tag: `oci:${sandbox.temporary}/out:x`, ...changes },
      });
    expectMessage(await sandbox.compose(args({})), {
      status: 8,
      code: "LOCAL_IO",
      message: [`cannot read ${context}/app/secret: permission denied`],
      hint: "--exclude",
    });
    const result = await sandbox.compose(args({ exclude: "secret" }));
    expect(result, result.stderr).toMatchObject({ status: 0 });
  });
});

describeWith(["cli", "time"], "a file of a gibibyte", () => {
  test("passes through little memory", async () => {
    const context = await temporaryDirectory("context");
    await using file = await open(join(context, "large"), "w");
    await file.truncate(1024 ** 3);
    const result = await runMeasured(
      composeArguments({
        ...{ builder: `local:${context}`, base: "scratch", directory: ".:/app", tag: "oci:out:x" },
        ...{ "dry-run": true, compression: "gzip:1" },
      }).map((argument) => (argument === "--dry-run" ? "--dry-run=full" : argument)),
    );
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(result.peakMemory).toBeLessThan(256 * 1024 * 1024);
  });
});
