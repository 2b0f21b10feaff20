import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { chmod, mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { unstoppable } from "../../../src/io/call.ts";
import type { LocalEntry } from "../../../src/store/local/local-entry.ts";
import { OpenDirectory } from "../../../src/store/local/open-directory.ts";
import { type ByteString, bytesOfText } from "../../../src/tar/byte-string.ts";
import { temporaryDirectory } from "../../support/temp.ts";

async function entriesOf(
  directory: string,
  isWanted: (name: ByteString) => boolean = () => true,
): Promise<ReadonlyMap<string, LocalEntry>> {
  await using open = await OpenDirectory.open(directory);
  return new Map(await open.entries(isWanted, unstoppable));
}

describe("a directory of this machine", () => {
  it("lists what is in it by the bytes of the names, and follows no symlink", async () => {
    const root = await temporaryDirectory("open-directory");
    await mkdir(join(root, "d"));
    await chmod(join(root, "d"), 0o2750);
    await writeFile(join(root, "f"), "12345");
    await chmod(join(root, "f"), 0o4711);
    await symlink("../../etc", join(root, "l"));
    await writeFile(Buffer.from(`${root}/\xe9`, "latin1"), "");
    await chmod(Buffer.from(`${root}/\xe9`, "latin1"), 0o644);
    execFileSync("sh", ["-c", "mkfifo -m 600 p"], { cwd: root });
    const entries = await entriesOf(root);
    expect([...entries.keys()]).toEqual(["d", "f", "l", "p", "\xe9"]);
    const shown = [...entries.values()].map(({ type, mode, size, linkname }) => ({
      type,
      mode,
      size,
      linkname,
    }));
    expect(shown).toEqual([
      { type: "directory", mode: 0o2750, size: 0, linkname: "" },
      { type: "file", mode: 0o4711, size: 5, linkname: "" },
      { type: "symlink", mode: 0o777, size: 0, linkname: "../../etc" },
      { type: "fifo", mode: 0o600, size: 0, linkname: "" },
      { type: "file", mode: 0o644, size: 0, linkname: "" },
    ]);
  });

  it("knows devices by their numbers", async () => {
    const { type, devmajor, devminor } =
      (await entriesOf("/dev", (name) => name === "null")).get("null") ?? expect.fail();
    expect({ type, devmajor, devminor }).toEqual({ type: "character", devmajor: 1, devminor: 3 });
  });

  it("knows sockets, and files that have other names", async () => {
    const root = await temporaryDirectory("open-directory");
    const server = createServer().listen(join(root, "s"));
    await new Promise((resolve) => server.once("listening", resolve));
    execFileSync("sh", ["-c", "touch a && ln a b && touch c"], { cwd: root });
    const entries = await entriesOf(root);
    server.close();
    expect([...entries].map(([name, { type, hasOtherNames }]) => [name, type, hasOtherNames])).toEqual([
      ["a", "file", true],
      ["b", "file", true],
      ["c", "file", false],
      ["s", "socket", false],
    ]);
    expect(entries.get("a")?.identity).toEqual(entries.get("b")?.identity);
  });

  it("is entered where it was, whatever lies at its path by now", async () => {
    const root = await temporaryDirectory("open-directory");
    execFileSync(
      "sh",
      ["-c", "mkdir -p top/d && touch top/d/inside && mkdir -p out/d && touch out/d/other"],
      {
        cwd: root,
      },
    );
    await using top = await OpenDirectory.open(join(root, "top"));
    const entries = new Map(await top.entries(() => true, unstoppable));
    await rename(join(root, "top"), join(root, "was"));
    await symlink("out", join(root, "top"));
    await using d = await top.enter(
      bytesOfText("d"),
      entries.get("d" as ByteString)?.identity ?? expect.fail(),
    );
    expect((await d.entries(() => true, unstoppable)).map(([name]) => name)).toEqual(["inside"]);
  });

  it.each([
    ["a symlink", "rm -r d && ln -s ../out d"],
    ["a file", "rm -r d && touch d"],
    ["another directory", "mv d e && mkdir d"],
    ["nothing", "rm -r d"],
  ])("whose directory has become %s is an error", async (_, script) => {
    const root = await temporaryDirectory("open-directory");
    await mkdir(join(root, "d"));
    await using top = await OpenDirectory.open(root);
    const [[name, entry] = expect.fail()] = await top.entries(() => true, unstoppable);
    execFileSync("sh", ["-c", script], { cwd: root });
    await expect(top.enter(name, entry.identity)).rejects.toMatchObject({
      code: "SOURCE_CHANGED",
      message: `${root}/d changed while it was read`,
    });
  });

  it("that loses a file while it is listed is an error", async () => {
    const root = await temporaryDirectory("open-directory");
    await writeFile(join(root, "f"), "");
    await using top = await OpenDirectory.open(root);
    const listing = top.entries((name) => {
      rmSync(join(root, name));
      return true;
    }, unstoppable);
    await expect(listing).rejects.toMatchObject({ code: "SOURCE_CHANGED" });
  });

  it("is no longer listed once that is stopped", async () => {
    const stopped = AbortSignal.abort(new Error("stopped"));
    await using top = await OpenDirectory.open("/");
    await expect(top.entries(() => true, { signal: stopped })).rejects.toThrow("stopped");
  });
});
