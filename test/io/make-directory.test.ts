import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeDirectory } from "../../src/io/make-directory.ts";
import { temporaryDirectory } from "../support/temp.ts";

test("makes a directory and those above it, with the mode, and takes what is there as it is", async () => {
  const top = await temporaryDirectory("make");
  await mkdir(join(top, "there"), 0o755);
  await makeDirectory(join(top, "there", "new", "deep"), 0o700);
  await makeDirectory(join(top, "there", "new", "deep"));
  const modeOf = async (path: string) => (await stat(join(top, path))).mode & 0o777;
  expect([await modeOf("there"), await modeOf("there/new"), await modeOf("there/new/deep")]).toEqual([
    0o755, 0o700, 0o700,
  ]);
});

test("says why it cannot, also where nothing can be made at all", async () => {
  const file = join(await temporaryDirectory("make"), "file");
  await writeFile(file, "");
  await expect(makeDirectory(join(file, "below"))).rejects.toMatchObject({ code: "ENOTDIR" });
  await expect(makeDirectory("/proc/nowhere/below")).rejects.toMatchObject({ code: "ENOENT" });
});
