import { execFileSync } from "node:child_process";
import { appendFile, chmod, rename, rm, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { unstoppable } from "../../../src/io/call.ts";
import { LocalFiles } from "../../../src/store/local/local-files.ts";
import { OpenDirectory } from "../../../src/store/local/open-directory.ts";
import { type ByteString, bytesOfText } from "../../../src/tar/byte-string.ts";
import { temporaryDirectory } from "../../support/temp.ts";

const small = 1000;
const large = 600 * 1024;

async function listed(size: number): Promise<{
  readonly directory: string;
  readonly path: string;
  readonly read: () => AsyncGenerator<Uint8Array>;
}> {
  const directory = await temporaryDirectory("local-files");
  const path = join(directory, "file");
  await writeFile(path, Buffer.alloc(size, "x"));
  const files = new LocalFiles(directory);
  await using open = await OpenDirectory.open(directory);
  const [[name, entry] = expect.fail()] = await open.entries(() => true, unstoppable);
  const number = files.add("" as ByteString, name, entry.identity);
  const read = async function* (): AsyncGenerator<Uint8Array> {
    const content = files.read(number, entry.size);
    if (content instanceof Uint8Array) yield content;
    else yield* content;
  };
  return { directory, path, read };
}

async function lengthOf(content: AsyncIterable<Uint8Array>): Promise<number> {
  let length = 0;
  for await (const chunk of content) length += chunk.byteLength;
  return length;
}

const changes: readonly (readonly [what: string, change: (path: string) => Promise<unknown> | unknown])[] = [
  ["has grown", (path) => appendFile(path, "more")],
  ["has shrunk", (path) => truncate(path, 10)],
  [
    "was written to, with a time of long ago",
    (path) => writeFile(path, "y", { flag: "r+" }).then(() => utimes(path, 1, 1)),
  ],
  ["has another mode", (path) => chmod(path, 0o600)],
  ["is gone", (path) => rm(path)],
  ["was replaced by an equal one", replaced],
  ["was replaced by a symlink", (path) => rm(path).then(() => symlink("/etc/passwd", path))],
  ["was replaced by a FIFO", (path) => rm(path).then(() => execFileSync("sh", ["-c", `mkfifo ${path}`]))],
];

async function replaced(path: string): Promise<void> {
  await writeFile(`${path}-new`, Buffer.alloc(small, "x"));
  await rename(`${path}-new`, path);
}

describe("a listed file", () => {
  it.each([0, 1, small, 64 * 1024, 64 * 1024 + 1, large])("of %d bytes is read as it was", async (size) => {
    const { read } = await listed(size);
    expect(await lengthOf(read())).toBe(size);
  });

  it("is read whole each time, at once or in chunks", async () => {
    const { read } = await listed(small);
    const lengths = [];
    for (let i = 0; i < 130; i++) lengths.push(await lengthOf(read()));
    expect(new Set(lengths)).toEqual(new Set([small]));
  });

  describe.each([
    ["small", small],
    ["large", large],
  ])("that is %s", (_, size) => {
    it.each(changes)("and %s is an error that names it", async (_what, change) => {
      const { path, read } = await listed(size);
      await change(path);
      await expect(lengthOf(read())).rejects.toMatchObject({
        code: "SOURCE_CHANGED",
        message: `${path} changed while it was read`,
      });
    });
  });

  it.each([
    ["grows", (path: string) => appendFile(path, "more")],
    ["shrinks", (path: string) => truncate(path, 1)],
  ])("that %s while it is read is an error", async (_, change) => {
    const { path, read } = await listed(large);
    const content = read();
    await content.next();
    await change(path);
    await expect(lengthOf(content)).rejects.toMatchObject({ code: "SOURCE_CHANGED" });
  });

  it("whose directory has become a symlink to one that is equal is an error", async () => {
    const root = await temporaryDirectory("local-files");
    execFileSync("sh", ["-c", "mkdir in out && echo inside > in/f && echo outs1de > out/f"], { cwd: root });
    await using open = await OpenDirectory.open(join(root, "in"));
    const [[name, entry] = expect.fail()] = await open.entries(() => true, unstoppable);
    const files = new LocalFiles(root);
    const number = files.add(bytesOfText("in"), name, entry.identity);
    execFileSync("sh", ["-c", "mv in was && ln -s out in"], { cwd: root });
    expect(() => files.read(number, entry.size)).toThrow(/in\/f changed while it was read/);
  });
});
