import { randomBytes } from "node:crypto";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { unstoppable } from "../../../src/io/call.ts";
import { collect } from "../../../src/io/collect.ts";
import type { OpenContent } from "../../../src/io/content.ts";
import { ownerlessName, temporaryName } from "../../../src/io/temporary-name.ts";
import { describeBytes } from "../../../src/model/descriptor.ts";
import { digestHex } from "../../../src/model/digest.ts";
import { openLayout } from "../../../src/store/layout/open-layout.ts";
import { temporaryDirectory } from "../../support/temp.ts";

const bytes = randomBytes(3 * 1024 * 1024);
const descriptor = describeBytes("application/octet-stream", bytes);
const label = `sha256-${digestHex(descriptor.digest)}`;

/** Opens an empty layout, and content that notes from where it was read. */
async function scene() {
  const directory = join(await temporaryDirectory("partial"), "layout");
  const layout = await openLayout(directory, { create: true }, unstoppable);
  const starts: number[] = [];
  const from = async (start: number) => {
    starts.push(start);
    return chunks(bytes.subarray(start));
  };
  const open: OpenContent = Object.assign(async () => from(0), { from });
  const left = async () => (await readdir(directory)).filter((name) => name.includes("-partial-"));
  return { directory, layout, starts, open, left };
}

async function* chunks(content: Uint8Array, error?: Error): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.byteLength; at += 100_000) yield content.subarray(at, at + 100_000);
  if (error !== undefined) throw error;
}

test("a transfer that breaks off leaves a part, and the next one goes on from there", async () => {
  const { layout, starts, open, left } = await scene();
  const broken: OpenContent = Object.assign(
    async () => chunks(bytes.subarray(0, 2_000_000), new Error("broken")),
    { from: async () => chunks(new Uint8Array()) },
  );
  await expect(layout.push(descriptor, broken, unstoppable)).rejects.toThrow("broken");
  expect(await layout.exists(descriptor, unstoppable)).toBe(false);
  expect(await left()).toHaveLength(1);
  await layout.push(descriptor, open, unstoppable);
  expect(starts).toEqual([2_000_000]);
  expect(await collect(await layout.fetch(descriptor, unstoppable), 4e6, "blob")).toEqual(bytes);
  expect(await left()).toEqual([]);
});

test("a part that is damaged, too long or empty costs one transfer of all", async () => {
  for (const part of [randomBytes(1_500_000), Buffer.concat([bytes, bytes]), Buffer.alloc(0)]) {
    const { directory, layout, starts, open, left } = await scene();
    await writeFile(join(directory, ownerlessName("partial", label)), part);
    await layout.push(descriptor, open, unstoppable);
    expect(starts.at(-1)).toBe(0);
    expect(await layout.exists(descriptor, unstoppable)).toBe(true);
    expect(await left()).toEqual([]);
  }
});

test("a part that is all of the blob needs no transfer", async () => {
  const { directory, layout, starts, open } = await scene();
  await writeFile(join(directory, ownerlessName("partial", label)), bytes);
  await layout.push(descriptor, open, unstoppable);
  expect(starts).toEqual([]);
});

test("of several parts the largest is taken, and the others go", async () => {
  const { directory, layout, starts, open, left } = await scene();
  for (const size of [1_200_000, 1_800_000, 1_500_000]) {
    await writeFile(join(directory, ownerlessName("partial", label)), bytes.subarray(0, size));
  }
  await layout.push(descriptor, open, unstoppable);
  expect(starts).toEqual([1_800_000]);
  expect(await left()).toEqual([]);
});

test("a part that a live process writes, or of another blob, is left alone", async () => {
  const { directory, layout, starts, open, left } = await scene();
  const other = `sha256-${"a".repeat(64)}`;
  const names = [temporaryName("partial", label), ownerlessName("partial", other)];
  for (const name of names) await writeFile(join(directory, name), bytes.subarray(0, 1_000_000));
  await layout.push(descriptor, open, unstoppable);
  expect(starts).toEqual([0]);
  expect((await left()).sort()).toEqual([...names].sort());
});

test("two runs at once never share a part", async () => {
  const { directory, layout, starts, open } = await scene();
  await writeFile(join(directory, ownerlessName("partial", label)), bytes.subarray(0, 1_000_000));
  await Promise.all([1, 2, 3].map(() => layout.push(descriptor, open, unstoppable)));
  expect(starts.filter((start) => start > 0).length).toBeLessThanOrEqual(1);
  expect(await collect(await layout.fetch(descriptor, unstoppable), 4e6, "blob")).toEqual(bytes);
});

test("a transfer whose content is wrong from the start leaves nothing", async () => {
  const { layout, left } = await scene();
  const wrong = randomBytes(bytes.byteLength);
  const open: OpenContent = Object.assign(async () => chunks(wrong), {
    from: async (start: number) => chunks(wrong.subarray(start)),
  });
  await expect(layout.push(descriptor, open, unstoppable)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  expect(await left()).toEqual([]);
});
