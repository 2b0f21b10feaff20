import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { LeftFiles } from "./left-files.ts";
import { secret } from "./secrets.ts";
import { temporaryDirectory } from "./temp.ts";

const word = secret("left behind");
let home: string;
let elsewhere: string;

// what leaks here is meant to
beforeAll(() => {
  vi.stubEnv("CAPTURE_DIR", undefined);
});
afterAll(() => {
  vi.unstubAllEnvs();
});

beforeEach(async () => {
  home = await temporaryDirectory("left");
  elsewhere = await temporaryDirectory("elsewhere");
  await mkdir(join(home, "deep"));
  await writeFile(join(home, "deep", "before"), word);
});

const note = (args: readonly string[] = []) => LeftFiles.note([home], args, elsewhere);

test("a file that was there before may hold a secret, and so may a credentials file", async () => {
  const left = await note();
  await writeFile(join(home, "config.json"), JSON.stringify({ auths: { host: { password: word } } }));
  await expect(left.expectNoSecrets()).resolves.toBeUndefined();
});

test.each([
  ["left below a folder", () => join(home, "deep", "new"), []],
  ["that was written over", () => join(home, "deep", "before"), []],
  ["named by an argument", () => join(elsewhere, "report.json"), ["--metadata-file", "report.json"]],
  ["named in an option's word", () => join(elsewhere, "report.json"), ["--metadata-file=report.json"]],
])("a file %s may not", async (_, path, args) => {
  const left = await note(args);
  await writeFile(path(), `{"token":"${word}"} `);
  await expect(left.expectNoSecrets()).rejects.toThrow(`the file ${path()} shows`);
});
