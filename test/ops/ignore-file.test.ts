import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseIgnoreFile, readIgnoreFile } from "../../src/ops/ignore-file.ts";
import { bytesOfText } from "../../src/tar/byte-string.ts";
import { temporaryDirectory } from "../support/temp.ts";

const leftOut = (text: string, paths: readonly string[]): string[] => {
  const patterns = parseIgnoreFile(text, ".dockerignore");
  return paths.filter((path) => patterns.excludes(bytesOfText(path)));
};

describe("a .dockerignore", () => {
  it("has a pattern a line, without the spaces around it, and exceptions", () => {
    const text = "  *.md  \r\n\n\t/dist/\n!README.md\n! dist/keep \n";
    expect(leftOut(text, ["a.md", "README.md", "dist", "dist/a", "dist/keep", "b"])).toEqual([
      "a.md",
      "dist",
      "dist/a",
    ]);
  });

  it("has comments where a line begins with a #, and nowhere else", () => {
    expect(leftOut("#a\n #b\nc #d\n\\#e\n", ["a", "#a", "b", "#b", "c", "c #d", "#e"])).toEqual([
      "#b",
      "c #d",
      "#e",
    ]);
  });

  it("may begin with a byte order mark", () => {
    expect(leftOut("\uFEFF#a\nb\n", ["a", "b"])).toEqual(["b"]);
    expect(leftOut("\uFEFFb\n", ["b"])).toEqual(["b"]);
  });

  it.each([
    ["a\nb[\n", ".dockerignore:2: malformed pattern"],
    ["\n\n!\n", ".dockerignore:3: an exception without a pattern"],
    ["!  ", ".dockerignore:1: an exception without a pattern"],
    ["a\\", ".dockerignore:1: malformed pattern"],
  ])("that makes no sense is refused with its line: %j", (text, message) => {
    expect(() => parseIgnoreFile(text, ".dockerignore")).toThrow(message);
  });
});

describe("of several files with patterns", () => {
  async function context(script: string): Promise<string> {
    const root = await temporaryDirectory("ignore-file");
    execFileSync("sh", ["-c", `mkdir ctx && ${script}`], { cwd: root });
    return root;
  }

  it("the first that is there counts", async () => {
    const root = await context("echo a > ctx/.dockerignore; echo b > other");
    const ctx = join(root, "ctx");
    const files = [
      join(root, "none"),
      join(ctx, "none/too"),
      join(root, "other"),
      join(ctx, ".dockerignore"),
    ];
    const patterns = await readIgnoreFile(files, ctx);
    expect(["a", "b"].filter((path) => patterns.excludes(bytesOfText(path)))).toEqual(["b"]);
    expect((await readIgnoreFile([join(root, "none")], ctx)).isEmpty).toBe(true);
    expect((await readIgnoreFile([], ctx)).isEmpty).toBe(true);
  });

  it("one may be a symlink within the directory, or lie outside it, but not lead out of it", async () => {
    const root = await context(
      "echo a > other; echo a > ctx/real; ln -s real ctx/in; ln -s ../other ctx/out",
    );
    const ctx = join(root, "ctx");
    for (const file of [join(ctx, "in"), join(root, "other")])
      expect((await readIgnoreFile([file], ctx)).isEmpty).toBe(false);
    await expect(readIgnoreFile([join(ctx, "out")], ctx)).rejects.toMatchObject({
      code: "PATH_ESCAPES",
      message: `${ctx}/out is a symlink that leads out of ${ctx}`,
    });
  });

  it.each([
    ["a directory", "mkdir ctx/.dockerignore", "is not a file"],
    ["a FIFO", "mkfifo ctx/.dockerignore", "is not a file"],
    ["larger than it can be meant", "truncate -s 2M ctx/.dockerignore", "is larger than 1048576 bytes"],
    ["a loop of symlinks", "ln -s .dockerignore ctx/.dockerignore", "a loop of symlinks"],
  ])("one that is %s is refused", async (_, script, message) => {
    const ctx = join(await context(script), "ctx");
    await expect(readIgnoreFile([join(ctx, ".dockerignore")], ctx)).rejects.toThrow(message);
  });
});
