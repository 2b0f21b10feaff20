import { randomBytes } from "node:crypto";
import { readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { unstoppable } from "../../../src/io/call.ts";
import type { OpenContent } from "../../../src/io/content.ts";
import { ownerlessName, temporaryName } from "../../../src/io/temporary-name.ts";
import { verify } from "../../../src/io/verify.ts";
import { describeBytes } from "../../../src/model/descriptor.ts";
import { digestHex, digestOf } from "../../../src/model/digest.ts";
import { temporaryDirectory } from "../../support/temp.ts";
import { openForTest, startForTest } from "./open-for-test.ts";

const mebibyte = 1024 * 1024;
const bytes = randomBytes(12 * mebibyte + 17);
const descriptor = describeBytes("application/octet-stream", bytes);
const label = `sha256-${digestHex(descriptor.digest)}`;
const half = 6 * mebibyte;

async function* chunks(content: Uint8Array, error?: Error): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.byteLength; at += 100_000) yield content.subarray(at, at + 100_000);
  if (error !== undefined) throw error;
}

/** A registry that verifies what it is sent and drops its first uploads, a directory, and content that notes its openings. */
async function scene({ drops = 0, directory }: { drops?: number; directory?: string } = {}) {
  const parts = directory ?? join(await temporaryDirectory("kept"), "parts");
  let left = drops;
  const stored: string[] = [];
  const { host, seen } = await startForTest(({ method, path, query, body }, response) => {
    if (method === "POST") return response.writeHead(202, { location: `${path}session` }).end();
    if (method !== "PUT" && method !== "PATCH") return response.writeHead(404).end();
    if (left-- > 0) return response.destroy();
    if (digestOf(body) !== query.get("digest")) return response.writeHead(400).end();
    stored.push(digestOf(body));
    return response.writeHead(201).end();
  });
  const { target, events } = openForTest(host, { partsDirectory: parts, retries: 1 });
  const starts: number[] = [];
  const from = async (start: number) => {
    starts.push(start);
    return chunks(bytes.subarray(start));
  };
  const open: OpenContent = Object.assign(async () => from(0), { from });
  const push = (content: OpenContent = open) => target.push(descriptor, content, unstoppable);
  const files = () => readdir(parts);
  const put = async (content: Uint8Array, name = ownerlessName("partial", label)) => {
    await push(broken(0)).catch(() => {});
    await writeFile(join(parts, name), content);
  };
  const warnings = () => events.flatMap((event) => (event.kind === "warning" ? event.message : []));
  return { parts, starts, push, files, put, stored, warnings, seen };
}

/** Content whose source fails after so many bytes. */
function broken(after: number): OpenContent {
  return Object.assign(async () => chunks(bytes.subarray(0, after), new Error("broken")), {
    from: async () => chunks(new Uint8Array(), new Error("broken")),
  });
}

test("an upload that breaks off leaves what it read, for the user alone, and the next one reads the rest", async () => {
  const { parts, push, files, starts, stored } = await scene();
  await expect(push(broken(half))).rejects.toThrow("broken");
  const [name = ""] = await files();
  expect(await stat(join(parts, name))).toMatchObject({ size: half });
  expect((await stat(join(parts, name))).mode & 0o777).toBe(0o600);
  expect((await stat(parts)).mode & 0o777).toBe(0o700);
  await push();
  expect(starts).toEqual([half]);
  expect(stored).toEqual([descriptor.digest]);
  expect(await files()).toEqual([]);
});

test("a part that is damaged or too long costs one upload of all, and no more", async () => {
  for (const part of [randomBytes(half), Buffer.concat([bytes, bytes])]) {
    const { put, push, files, starts, stored } = await scene();
    await put(part);
    await push();
    expect(starts.at(-1)).toBe(0);
    expect(stored).toEqual([descriptor.digest]);
    expect(await files()).toEqual([]);
  }
});

test("a part that is all of the blob is sent without asking the source", async () => {
  const { put, push, starts, stored } = await scene();
  await put(bytes);
  await push();
  expect(starts).toEqual([]);
  expect(stored).toEqual([descriptor.digest]);
});

test("of two uploads one takes the part, and a live process's part is left alone", async () => {
  const { put, push, files, starts, stored } = await scene();
  const live = temporaryName("partial", label);
  await put(bytes.subarray(0, half));
  await put(bytes.subarray(0, half + 1), live);
  await Promise.all([push(), push()]);
  expect(starts.filter((start) => start === half).length).toBeLessThanOrEqual(1);
  expect(starts).not.toContain(half + 1);
  expect(stored).toEqual([descriptor.digest, descriptor.digest]);
  expect(await files()).toEqual([live]);
});

test("content that is wrong from the start fails, and leaves nothing", async () => {
  const { push, files, stored } = await scene();
  const wrong = randomBytes(bytes.byteLength);
  const open: OpenContent = Object.assign(async () => verify(chunks(wrong), descriptor, "blob"), {
    from: async (start: number) => chunks(wrong.subarray(start)),
  });
  await expect(push(open)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  expect(stored).toEqual([]);
  expect(await files()).toEqual([]);
});

test("an upload that the registry drops is begun again from the part, not from the source", async () => {
  const { push, files, starts, stored } = await scene({ drops: 1 });
  let opened = 0;
  const open: OpenContent = Object.assign(
    async () => {
      opened += 1;
      return chunks(bytes);
    },
    { from: async (start: number) => chunks(bytes.subarray(start)) },
  );
  await push(open);
  expect(opened).toBe(1);
  expect(starts).toEqual([]);
  expect(stored).toEqual([descriptor.digest]);
  expect(await files()).toEqual([]);
});

test("a directory that cannot be used is told of once, and keeps nothing from arriving", async () => {
  const { push, stored, warnings } = await scene({ directory: "/proc/none/parts" });
  await push();
  await push();
  expect(stored).toHaveLength(2);
  expect(warnings()).toEqual([expect.stringContaining("parts of blobs are not kept: ")]);
});

test("a part that can no longer be written is given up, and the blob arrives", async () => {
  const { push, parts, stored, warnings } = await scene();
  const withoutDirectory = async function* () {
    await rm(parts, { recursive: true });
    yield* chunks(bytes);
  };
  await push(Object.assign(async () => withoutDirectory(), { from: async () => chunks(bytes) }));
  expect(stored).toEqual([descriptor.digest]);
  expect(warnings()).toHaveLength(1);
});

test("content that cannot be opened in its middle is not kept", async () => {
  const { push, parts, stored } = await scene();
  await push(async () => chunks(bytes));
  expect(stored).toEqual([descriptor.digest]);
  await expect(readdir(parts)).rejects.toThrow();
});
