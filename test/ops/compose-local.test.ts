import { execFileSync, spawnSync } from "node:child_process";
import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { type ComposeFlags, parseComposeFlags } from "../../src/frontends/flags/compose-flags.ts";
import { type ComposeOptions, type ComposeResult, compose } from "../../src/ops/compose.ts";
import { parseCopySource } from "../../src/plan/copy-source.ts";
import { dir, file, symlink } from "../layers/support/entries.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { putImage, type ReadImage, readImage } from "./support/images.ts";

/** A directory `ctx`, made by a script that runs in it, with a layout beside it. */
async function madeBy(script: string): Promise<string> {
  const root = await temporaryDirectory("compose-local");
  execFileSync("sh", ["-c", `umask 022; mkdir ctx && cd ctx && ${script}`], { cwd: root });
  return root;
}

async function composed(
  root: string,
  directory: string | readonly string[],
  flags: ComposeFlags = {},
  options: ComposeOptions = {},
): Promise<ReadImage & { readonly result: ComposeResult; readonly warnings: readonly string[] }> {
  const warnings: string[] = [];
  const plan = parseComposeFlags({
    builder: `local:${root}/ctx`,
    base: "scratch",
    directory: typeof directory === "string" ? [directory] : directory,
    tag: [`oci:${root}/out:x`],
    ...flags,
  });
  const onTransfer: ComposeOptions["onTransfer"] = (event) => {
    if (event.kind === "warning") warnings.push(event.message);
    options.onTransfer?.(event);
  };
  const result = await compose(plan, { ...options, onTransfer });
  return { ...(await readImage(`${root}/out`, "x")), result, warnings };
}

/** Entries of the layer as `ls` would show them, by tar(1). */
async function entriesOf(root: string, { manifest }: ReadImage): Promise<string[]> {
  const digest = manifest.layers.at(-1)?.digest.replace("sha256:", "") ?? "";
  const args = ["--numeric-owner", "--full-time", "--utc", "-tvzf", `${root}/out/blobs/sha256/${digest}`];
  const lines = execFileSync("tar", args, { encoding: "utf8" }).trimEnd().split("\n");
  return lines.map((line) => line.replaceAll(/ +/g, " "));
}

describe("a copy from a directory of this machine", () => {
  it("keeps modes and symlinks; all is of 0:0 and of 1970", async () => {
    const root = await madeBy(
      "echo 1 > f && mkdir d && ln -s ../../../etc d/l && mkfifo -m 600 p && { chown -hR 7:8 f d || :; } && chmod 4751 f && chmod 2770 d",
    );
    const image = await composed(root, ".:/app");
    expect(await entriesOf(root, image)).toEqual([
      "drwxr-xr-x 0/0 0 1970-01-01 00:00:00 app/",
      "drwxrws--- 0/0 0 1970-01-01 00:00:00 app/d/",
      "lrwxrwxrwx 0/0 0 1970-01-01 00:00:00 app/d/l -> ../../../etc",
      "-rwsr-x--x 0/0 2 1970-01-01 00:00:00 app/f",
      "prw------- 0/0 0 1970-01-01 00:00:00 app/p",
    ]);
  });

  it("makes the same image of two checkouts, whenever and by whomever", async () => {
    const script = "mkdir -p src/a && echo 1 > src/a/f && echo 2 > src/g && ln -s g src/l";
    const one = await composed(await madeBy(script), "src:/app");
    const other = await composed(
      await madeBy(
        `echo old > src-old; ${script} && find . -exec touch -h -d 2001-01-01 {} + && { chown -R 5 . || :; }`,
      ),
      "src:/app",
    );
    expect(other.digest).toBe(one.digest);
  });

  it("dates files with the source date epoch, whatever their own times", async () => {
    const root = await madeBy("touch -d 1999-01-01 old && touch new");
    const image = await composed(root, ".:/", { sourceDateEpoch: 1_000_000_000 });
    expect(await entriesOf(root, image)).toEqual([
      "-rw-r--r-- 0/0 0 2001-09-09 01:46:40 new",
      "-rw-r--r-- 0/0 0 2001-09-09 01:46:40 old",
    ]);
    expect(image.config.created).toBe("2001-09-09T01:46:40Z");
  });

  it("takes sources with and without a slash, patterns, chown, chmod and exclude as from an image", async () => {
    const root = await madeBy("mkdir d && touch a.js b.js c.ts d/e d/f");
    const directories = ["*.js:/js/", "/d:/d", "c.ts:/x"];
    const image = await composed(root, directories, { chown: "5:6", chmod: "0640", exclude: ["f"] });
    expect((await entriesOf(root, image)).map((line) => line.replace(/ 0 1970-01-01 00:00:00/, ""))).toEqual([
      "drw-r----- 5/6 d/",
      "-rw-r----- 5/6 d/e",
      "drw-r----- 5/6 js/",
      "-rw-r----- 5/6 js/a.js",
      "-rw-r----- 5/6 js/b.js",
      "-rw-r----- 5/6 x",
    ]);
  });

  it("follows symlinks in a source's path as in a chroot to the directory", async () => {
    const root = await madeBy(
      "mkdir -p etc real/deep && echo mine > etc/passwd && ln -s ../../etc out && ln -s /real abs && ln -s abs/deep twice && echo 1 > real/deep/f",
    );
    const image = await composed(root, ["out/passwd:/p", "twice/f:/f", "twice:/t"]);
    expect(image.topLayer).toEqual(["f", "p", "t/", "t/f"]);
    expect((await entriesOf(root, image))[1]).toContain(" 5 ");
    execFileSync("rm", ["-r", `${root}/ctx/etc`]);
    await expect(composed(root, "out/passwd:/p")).rejects.toMatchObject({
      code: "SOURCE_NOT_FOUND",
      message: `directory ${root}/ctx has no /out/passwd: /etc is missing`,
      hint: "Check the path; it is meant from that directory.",
    });
  });

  it("leaves out what .dockerignore says, but for its exceptions", async () => {
    const root = await madeBy(
      "mkdir -p secret dist/keep dist/no node_modules/x empty && touch secret/s dist/keep/k dist/no/n node_modules/x/y a.log b && printf '*.log\\nsecret\\nnode_modules\\ndist\\n!dist/keep\\n.dockerignore\\n' > .dockerignore",
    );
    const image = await composed(root, ".:/");
    expect(image.topLayer).toEqual(["b", "dist/", "dist/keep/", "dist/keep/k", "empty/"]);
    await expect(composed(root, "secret/s:/s")).rejects.toMatchObject({
      code: "SOURCE_NOT_FOUND",
      hint: expect.stringContaining(".dockerignore"),
    });
  });

  it("goes by other files of patterns where the plan names some", async () => {
    const root = await madeBy("touch a b && echo a > .dockerignore && echo b > ../Dockerfile.dockerignore");
    const plan = parseComposeFlags({
      builder: `local:${root}/ctx`,
      base: "scratch",
      directory: [".:/"],
      tag: [`oci:${root}/out:x`],
    });
    const withFiles = async (ignoreFiles: readonly string[]): Promise<readonly string[]> => {
      const copies = plan.copies.map((step) => ({
        ...step,
        from: { kind: "local", directory: `${root}/ctx`, ignoreFiles } as const,
      }));
      await compose({ ...plan, copies });
      return (await readImage(`${root}/out`, "x")).topLayer;
    };
    const both = [`${root}/Dockerfile.dockerignore`, `${root}/ctx/.dockerignore`];
    expect(await withFiles(both)).toEqual([".dockerignore", "a"]);
    expect(await withFiles([])).toEqual([".dockerignore", "a", "b"]);
  });

  it("leaves out what is being written into it, so that an archive there is the same every time", async () => {
    const root = await madeBy("touch a");
    const plan = parseComposeFlags({
      builder: `local:${root}/ctx`,
      base: "scratch",
      directory: [".:/"],
      tag: [`oci-archive:${root}/ctx/out.tar`],
    });
    const digest = async () => (await compose(plan)).pushed[0]?.digest;
    const first = await digest();
    expect(first).toMatch(/^sha256:/);
    await rm(`${root}/ctx/out.tar`);
    expect(await digest()).toBe(first);
  });

  it("keeps files linked that are linked within what one step copies", async () => {
    const root = await madeBy(
      "mkdir d e && echo 1 > d/a && ln d/a d/b && ln d/a e/c && echo 2 > x && ln x ../outside",
    );
    const image = await composed(root, ["d:/d", "e:/e", "x:/x"]);
    expect((await entriesOf(root, image)).map((line) => line.replace(/^(.).*00:00:00 /, "$1 "))).toEqual([
      "d d/",
      "- d/a",
      "h d/b link to d/a",
      "d e/",
      "- e/c",
      "- x",
    ]);
  });

  it("leaves sockets out, with a warning", async () => {
    const root = await madeBy("touch f");
    const server = createServer().listen(`${root}/ctx/s`);
    await new Promise((resolve) => server.once("listening", resolve));
    const { topLayer, warnings } = await composed(root, ".:/");
    server.close();
    expect(topLayer).toEqual(["f"]);
    expect(warnings).toEqual([`${root}/ctx/s is a socket, and is left out`]);
  });

  it("keeps names that are not UTF-8, and holds deep trees", async () => {
    const deep = "d/".repeat(300);
    const root = await madeBy(`mkdir -p ${deep} && touch ${deep}f && touch "$(printf 'caf\\351')"`);
    const { topLayer } = await composed(root, ".:/");
    expect(topLayer).toHaveLength(302);
    expect(topLayer.slice(-1)).toEqual([`${deep}f`]);
  });

  it("goes together with copies from an image, onto a base", async () => {
    const root = await madeBy("mkdir conf && echo 1 > conf/c");
    await putImage(`${root}/in`, "builder", { layers: [[dir("app"), file("app/f", "1")]] });
    await putImage(`${root}/in`, "base", {
      layers: [[dir("etc", { mode: 0o711 }), symlink("srv", "etc"), dir("data", { mode: 0o700 })]],
    });
    const plan = parseComposeFlags({
      builder: `oci:${root}/in:builder`,
      base: `oci:${root}/in:base`,
      directory: ["/app:/app"],
      tag: [`oci:${root}/out:x`],
    });
    const local = { ...plan.copies[0], from: parseCopySource(`local:${root}/ctx`, "x"), sources: ["conf"] };
    const step = { ...local, destination: "/srv/conf", exclude: [], link: false };
    await compose({ ...plan, copies: [...plan.copies, step] });
    expect((await readImage(`${root}/out`, "x")).topLayer).toEqual([
      "app/",
      "app/f",
      "etc/",
      "etc/conf/",
      "etc/conf/c",
    ]);
  });

  it("can be a stage's, which is copied from", async () => {
    const root = await madeBy(
      "mkdir -p src/lib other && echo 1 > src/lib/f && ln -s lib src/l && echo 2 > other/g",
    );
    const plan = parseComposeFlags({
      builder: `local:${root}/ctx`,
      base: "scratch",
      directory: ["src:/upload/src", "other:/upload/src/lib"],
      tag: [`oci:${root}/out:x`],
    });
    const stage = { base: plan.base, copies: plan.copies, config: {} };
    const from = { kind: "stage", stage } as const;
    const step = { from, sources: ["/upload/src/l"], destination: "/app", exclude: [], link: false };
    const chown = { user: 5, group: 6 };
    await compose({ ...plan, copies: [step, { ...step, destination: "/owned", chown }] });
    const image = await readImage(`${root}/out`, "x");
    expect((await entriesOf(root, image)).map((line) => line.replace(/ 1970.*:00/, ""))).toEqual([
      "drwxr-xr-x 0/0 0 app/",
      "-rw-r--r-- 0/0 2 app/f",
      "-rw-r--r-- 0/0 2 app/g",
      "drwxr-xr-x 5/6 0 owned/",
      "-rw-r--r-- 5/6 2 owned/f",
      "-rw-r--r-- 5/6 2 owned/g",
    ]);
  });

  it("is recorded without a path of the machine", async () => {
    const root = await madeBy("touch f");
    const { manifest, config } = await composed(root, "f:/f");
    expect(manifest.annotations).toEqual({
      "io.github.compose-image.builders": '[{"local":true}]',
      "io.github.compose-image.copy": '[{"from":0,"src":["f"],"dst":"/f"}]',
    });
    expect(config.history.map(({ created_by }) => created_by)).toEqual(["COPY f /f # compose-image"]);
    expect(spawnSync("grep", ["-r", root, `${root}/out`]).status).toBe(1);
  });

  it("that nothing has changed since gives the same image again, and its figures count no image", async () => {
    const root = await madeBy("touch f");
    const first = await composed(root, "f:/f");
    const again = await composed(root, "f:/f");
    expect(again.digest).toBe(first.digest);
    expect(again.result.figures).toMatchObject({ builderSize: 0, baseSize: 0 });
    expect(again.result.platforms[0]?.os).toBe("linux");
  });

  it("is an error once a file changes, and no tag is moved", async () => {
    const root = await madeBy("echo 1 > a");
    const server = createServer().listen(`${root}/ctx/s`);
    await new Promise((resolve) => server.once("listening", resolve));
    const { digest } = await composed(root, ".:/");
    const changing: ComposeOptions = {
      // The warning about the socket comes when all files before it are listed, and none is read.
      onTransfer: ({ kind }) =>
        void (kind === "warning" && execFileSync("sh", ["-c", `echo 2 >> ${root}/ctx/a`])),
    };
    await expect(composed(root, ".:/", {}, changing)).rejects.toMatchObject({
      code: "SOURCE_CHANGED",
      message: `${root}/ctx/a changed while it was read`,
    });
    server.close();
    expect((await readImage(`${root}/out`, "x")).digest).toBe(digest);
  });

  it.each([
    ["a directory that is missing", "true", "/none", "SOURCE_NOT_FOUND", "is not there"],
    ["a file", "touch f", "/f", "SOURCE_NOT_FOUND", "is not a directory"],
    ["a path below a file", "touch f", "/f/g", "SOURCE_NOT_FOUND", "is not a directory"],
    ["a loop of symlinks", "ln -s l l", "/l", "LOCAL_IO", "a loop of symlinks"],
    ["patterns that make no sense", "echo '[' > .dockerignore", "", "USAGE", ".dockerignore:1: malformed"],
  ])("from %s is refused before anything is asked of a registry", async (_, script, below, code, message) => {
    const root = await madeBy(script);
    const flags = { builder: `local:${root}/ctx${below}`, base: "registry.invalid/base:1" };
    await expect(composed(root, ".:/", flags)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });
});
