import { chmod, chown, link, mkdir, open, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../support/command.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { makeImage, pushMade } from "../support/make-image.ts";
import type { Registry } from "../support/registry.ts";
import { gnuTar, imageOfTars, type LayerTar } from "../support/relayer.ts";
import { createSandbox } from "../support/sandbox.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";
import { readTree, subtree, type Tree } from "../support/tree.ts";
import { diffTrees, formatDifferences } from "../support/tree-diff.ts";
import { skopeoCopy, unpack } from "../support/unpack.ts";

const GiB = 1024 ** 3;

/** A base with a merged /usr, a sticky /tmp and the usual links. */
const base = makeImage({
  layers: [
    {
      files: [
        { path: "usr/" },
        { path: "usr/bin/" },
        { path: "usr/bin/sh", content: "#!\n", mode: 0o755 },
        { path: "bin", linkname: "usr/bin" },
        { path: "tmp/", mode: 0o1777, mtime: "1000" },
        { path: "run/", mode: 0o755, uid: 3, gid: 4 },
        { path: "var/" },
        { path: "var/run", linkname: "/run" },
      ],
    },
  ],
});

/**
 * `app` and `elsewhere`, as a build would leave them; of all that copying could lose, one of each. The extent of
 * `app/sparse` is 1 GiB, of which 9 bytes are there.
 */
async function makeBuilderTree(): Promise<string> {
  const root = await temporaryDirectory("special-files");
  const app = join(root, "app");
  await mkdir(app);
  await mkdir(join(root, "elsewhere"));
  await writeFile(join(app, "capable"), "capable\n");
  await run("setfattr", [
    "--name=security.capability",
    "--value=0x0100000200040000000000000000000000000000",
    join(app, "capable"),
  ]);
  await writeFile(join(app, "setuid"), "setuid\n");
  await writeFile(join(root, "elsewhere", "file"), "linked from outside\n");
  await link(join(root, "elsewhere", "file"), join(app, "linked-out"));
  await link(join(root, "elsewhere", "file"), join(app, "linked-out-too"));
  await writeFile(join(app, "first"), "linked within\n");
  await link(join(app, "first"), join(app, "second"));
  await writeFile(Buffer.from(`${app}/caf\xe9`, "latin1"), "latin1\n");
  await writeFile(join(app, "owned"), "owned\n");
  await chown(join(app, "owned"), 3_000_000_000, 2_999_999_999);
  await chown(join(app, "setuid"), 7, 8);
  await chmod(join(app, "setuid"), 0o4711);
  await writeFile(join(app, "dated"), "dated\n");
  await run("touch", ["--date=2024-05-06 07:08:09.123456789Z", join(app, "dated")]);
  await using sparse = await open(join(app, "sparse"), "w");
  await sparse.truncate(GiB);
  await sparse.write("beg", 0);
  await sparse.write("mid", GiB / 2 + 12345);
  await sparse.write("end", GiB - 3);
  // Its archive has whole seconds only.
  await sparse.utimes(1000, 1000);
  return root;
}

/** A tar in GNU's own format, which has a map of what is there instead of the holes. */
async function sparseTar(root: string, member: string): Promise<LayerTar> {
  const path = join(await temporaryDirectory("sparse-tar"), "layer.tar");
  await run("tar", ["--create", "--file", path, "--format=gnu", "--sparse", "--directory", root, member]);
  expect((await stat(path)).size).toBeLessThan(1024 * 1024);
  return { path, comment: "a sparse file" };
}

describeWith(
  ["cli", "bwrap", "setfattr", "skopeo", "umoci", "getfattr"],
  "files of all the special kinds",
  () => {
    let registry: Registry;
    let before: Tree;
    let after: Tree;

    beforeAll(async () => {
      registry = await startEmbeddedRegistry();
      const root = await makeBuilderTree();
      before = await readTree(root);
      const builder = `${registry.host}/special/builder:1`;
      const layers = [
        await gnuTar(root, ["elsewhere", "app"], ["app/sparse"]),
        await sparseTar(root, "app/sparse"),
      ];
      await skopeoCopy(await imageOfTars(layers), `docker://${builder}`);
      await pushMade(base, registry.url, "special/base:1");
      const tag = `${registry.host}/special/app:1`;
      // Nothing is held in memory, and the disk is a hundredth of the sparse file.
      const sandbox = await createSandbox({ bytes: 10 * 1024 * 1024 });
      const result = await sandbox.compose([
        ...["--builder", builder, "--base", `${registry.host}/special/base:1`],
        ...["--directory", "/app:/srv/app", "--directory", "/app/first:/tmp/x"],
        ...["--directory", "/app/first:/bin/x", "--directory", "/app/first:/var/run/x"],
        ...["--tag", tag, "--memory-limit", "0"],
      ]);
      expect(result, result.stderr).toMatchObject({ status: 0, left: [] });
      after = await readTree(await unpack(`docker://${tag}`));
    }, 300_000);
    afterAll(() => registry.stop());

    test("are in the composed image what they were in the builder, as umoci unpacks it", () => {
      expect(formatDifferences(diffTrees(subtree(before, "app"), subtree(after, "srv/app")))).toBe("");
    });

    test("were special before", () => {
      const app = (name: string) => before.get(`app/${name}`);
      expect(app("capable")?.xattrs.get("security.capability")).toMatch(/^01000002/);
      expect(app("setuid")).toMatchObject({ mode: 0o4711, uid: 7n, gid: 8n });
      expect(app("linked-out")?.hardlinks).toContain("elsewhere/file");
      expect(app("second")?.hardlinks).toEqual(["app/first", "app/second"]);
      expect(app("caf\xe9")?.type).toBe("file");
      expect(app("owned")).toMatchObject({ uid: 3_000_000_000n, gid: 2_999_999_999n });
      expect(app("dated")?.mtime).toBe(1_714_979_289_123_456_789n);
      expect(app("sparse")?.size).toBe(BigInt(GiB));
    });

    test.each([
      ["/tmp/x", "tmp/x"],
      ["/bin/x", "usr/bin/x"],
      ["/var/run/x", "run/x"],
    ])("written to %s lie at %s, and what leads there is as the base has it", (_, path) => {
      expect(after.get(path)).toMatchObject({ type: "file", sha256: before.get("app/first")?.sha256 });
      expect(after.get("tmp")).toMatchObject({ type: "directory", mode: 0o1777 });
      expect(after.get("run")).toMatchObject({ type: "directory", mode: 0o755, uid: 3n, gid: 4n });
      expect(after.get("bin")).toMatchObject({ type: "symlink", linkTarget: "usr/bin" });
      expect(after.get("var/run")).toMatchObject({ type: "symlink", linkTarget: "/run" });
    });
  },
);
