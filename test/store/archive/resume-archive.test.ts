import { randomBytes } from "node:crypto";
import {
  appendFile,
  cp,
  lstat,
  readdir,
  readFile,
  rename,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { unstoppable } from "../../../src/io/call.ts";
import type { OpenContent } from "../../../src/io/content.ts";
import { parseLocation } from "../../../src/model/location.ts";
import { encodeManifest } from "../../../src/model/manifest.ts";
import { mediaTypes } from "../../../src/model/media-types.ts";
import { Stores, type StoresOptions } from "../../../src/store/open-stores.ts";
import type { Target } from "../../../src/store/target.ts";
import { temporaryDirectory } from "../../support/temp.ts";
import { type Blob, blob } from "../layout/tiny-image.ts";

const small = blob(mediaTypes.oci.layer, randomBytes(5000));
const first = blob(mediaTypes.oci.layer, randomBytes(1_500_000));
const large = blob(mediaTypes.oci.layer, randomBytes(12_000_000));
const config = blob(mediaTypes.oci.config, Buffer.from("{}"));
const manifest = blob(
  mediaTypes.oci.manifest,
  encodeManifest({
    kind: "manifest",
    mediaType: mediaTypes.oci.manifest,
    config: config.descriptor,
    layers: [small, first, large].map(({ descriptor }) => descriptor),
    annotations: {},
  }),
);
const blobs = [small, first, large, config];

/** Where each blob was read from, by its size. */
type Reads = Map<number, number[]>;

/** How a run breaks off. */
interface Break {
  /** After so many bytes of the large blob. */
  readonly at: number;
  readonly throws?: Error;
  /** What happens there instead of an error. */
  readonly meanwhile?: () => Promise<void>;
}

function opening({ bytes }: Blob, reads: Reads, broken?: Break): OpenContent {
  const from = async (start: number) => {
    reads.set(bytes.byteLength, [...(reads.get(bytes.byteLength) ?? []), start]);
    return chunks(bytes, start, bytes.byteLength === large.bytes.byteLength ? broken : undefined);
  };
  return Object.assign(async () => from(0), { from });
}

async function* chunks(bytes: Uint8Array, start: number, broken?: Break): AsyncGenerator<Uint8Array> {
  for (let at = start; at < bytes.byteLength; at += 100_000) {
    if (broken !== undefined && at >= broken.at) {
      await broken.meanwhile?.();
      if (broken.throws !== undefined) throw broken.throws;
    }
    yield bytes.subarray(at, at + 100_000);
  }
}

async function push(
  target: Target,
  reads: Reads,
  broken?: Break,
  of: readonly Blob[] = blobs,
): Promise<void> {
  target.expect?.(of.map(({ descriptor }) => descriptor));
  for (const each of of) await target.push(each.descriptor, opening(each, reads, broken), unstoppable);
}

/** Writes the image, and says what was read for it. */
async function run(file: string, options: StoresOptions = {}, broken?: Break): Promise<Reads> {
  const reads: Reads = new Map();
  await using stores = new Stores({ resume: true, ...options });
  const target = await stores.target(parseLocation(`oci-archive:${file}`), unstoppable);
  await push(target, reads, broken);
  await target.tag(manifest, "1", unstoppable);
  await target.commit?.(unstoppable);
  return reads;
}

const breaks = (at: number): Break => ({ at, throws: new Error("broken") });

async function scene() {
  const directory = await temporaryDirectory("resume");
  const left = async () =>
    (await readdir(directory)).filter((name) => name.startsWith(".compose-image-")).sort();
  return { directory, file: join(directory, "a.tar"), left };
}

async function breakOff(file: string, at: number, options: StoresOptions = {}): Promise<void> {
  await expect(run(file, options, breaks(at))).rejects.toThrow("broken");
}

/** The bytes that an archive written in one go has. */
async function expected(): Promise<Buffer> {
  const { file } = await scene();
  await run(file, { resume: false });
  return readFile(file);
}

/** All bytes of the archive or its parts, one after the other. */
async function written(directory: string): Promise<Buffer> {
  const names = (await readdir(directory)).filter((name) => !name.endsWith(".sha256")).sort();
  return Buffer.concat(await Promise.all(names.map((name) => readFile(join(directory, name)))));
}

for (const partSize of [undefined, 700_000]) {
  const how = partSize === undefined ? "in one file" : "in parts";

  test(`${how}: a run that fails leaves a draft, and the next one fetches only what is not in it`, async () => {
    const { directory, file, left } = await scene();
    await breakOff(file, 6_000_000, { partSize });
    expect((await readdir(directory)).sort()).toEqual(await left());
    const reads = await run(file, { partSize });
    expect([...reads]).toEqual([
      [large.bytes.byteLength, [6_000_000]],
      [config.bytes.byteLength, [0]],
    ]);
    expect(await left()).toEqual([]);
    expect((await written(directory)).equals(await expected())).toBe(true);
  });

  test(`${how}: a run that is killed leaves all but the last 4 MiB, and a torn line does no harm`, async () => {
    const { directory, file } = await scene();
    const killed = await scene();
    // What a kill leaves is what is on the disk at that moment.
    const meanwhile = () => cp(directory, killed.directory, { recursive: true });
    await expect(
      run(file, { partSize }, { at: 10_000_000, meanwhile, throws: new Error("broken") }),
    ).rejects.toThrow("broken");
    const [journal = ""] = (await killed.left()).filter((name) => name.endsWith("-journal"));
    await appendFile(join(killed.directory, journal), '{"start":12,"wri');
    await rename(join(killed.directory, journal), join(killed.directory, endedName(journal)));
    const reads = await run(killed.file, { partSize });
    const starts = reads.get(large.bytes.byteLength) ?? [];
    expect([...reads.keys()]).toEqual([large.bytes.byteLength, config.bytes.byteLength]);
    expect(starts).toHaveLength(1);
    expect(starts[0]).toBeGreaterThan(10_000_000 - 4.3 * 1024 * 1024);
    expect(await killed.left()).toEqual([]);
    expect((await written(killed.directory)).equals(await expected())).toBe(true);
  });
}

test("several runs that break off go on from each other", async () => {
  const { file, directory } = await scene();
  for (const at of [2_000_000, 5_000_000, 9_000_000]) await breakOff(file, at);
  expect((await run(file)).get(large.bytes.byteLength)).toEqual([9_000_000]);
  expect((await written(directory)).equals(await expected())).toBe(true);
});

test("of two runs at once one takes the draft over, and both are right", async () => {
  const { file, directory, left } = await scene();
  await breakOff(file, 6_000_000);
  const reads = await Promise.all([run(file), run(file)]);
  const starts = reads.map((each) => each.get(large.bytes.byteLength)?.[0]).sort();
  expect(starts).toEqual([0, 6_000_000]);
  expect((await written(directory)).equals(await expected())).toBe(true);
  expect(await left()).toEqual([]);
});

test("what is damaged in a draft is fetched again as a whole, the rest is not", async () => {
  for (const [position, sizes] of [
    [20_000, [first.bytes.byteLength]],
    [3_000_000, [large.bytes.byteLength, large.bytes.byteLength]],
  ] as const) {
    const { file, directory, left } = await scene();
    await breakOff(file, 6_000_000);
    const [part = ""] = (await left()).filter((name) => !name.endsWith("-journal"));
    const bytes = await readFile(join(directory, part));
    bytes[position] = (bytes[position] ?? 0) ^ 1;
    await writeFile(join(directory, part), bytes);
    const reads = await run(file);
    expect(
      [...reads]
        .flatMap(([size, starts]) => starts.map(() => size))
        .filter((size) => sizes.includes(size as never)),
    ).toEqual(sizes);
    expect(reads.get(small.bytes.byteLength)).toBeUndefined();
    expect((await written(directory)).equals(await expected())).toBe(true);
  }
});

test("a draft whose file is gone or cut costs transfers, and no more", async () => {
  for (const kept of [undefined, 100_000]) {
    const { file, directory, left } = await scene();
    await breakOff(file, 6_000_000);
    const [part = ""] = (await left()).filter((name) => !name.endsWith("-journal"));
    const bytes = await readFile(join(directory, part));
    await writeFile(join(directory, part), bytes.subarray(0, kept ?? 0));
    if (kept === undefined)
      await rename(join(directory, part), join(await temporaryDirectory("gone"), "part"));
    await run(file);
    expect((await written(directory)).equals(await expected())).toBe(true);
  }
});

test("blobs of a draft that are not wanted any more are not in the archive", async () => {
  const { file, directory, left } = await scene();
  const other = blob(mediaTypes.oci.layer, randomBytes(2_000_000));
  {
    await using stores = new Stores({ resume: true });
    const target = await stores.target(parseLocation(`oci-archive:${file}`), unstoppable);
    await push(target, new Map(), undefined, [small, other, first]);
  }
  expect(await left()).toHaveLength(2);
  const reads = await run(file);
  expect([...reads.keys()].sort()).toEqual([large.bytes.byteLength, config.bytes.byteLength].sort());
  expect((await written(directory)).equals(await expected())).toBe(true);
});

test("of several drafts the furthest is gone on with, and the others are removed", async () => {
  const { file, directory, left } = await scene();
  for (const at of [3_000_000, 9_000_000, 6_000_000]) {
    const other = await scene();
    await breakOff(other.file, at);
    await cp(other.directory, directory, { recursive: true });
  }
  expect(await left()).toHaveLength(6);
  expect((await run(file)).get(large.bytes.byteLength)).toEqual([9_000_000]);
  expect(await left()).toEqual([]);
});

test("a draft with a journal that is of another format is removed", async () => {
  const { file, directory, left } = await scene();
  await breakOff(file, 6_000_000);
  const [journal = ""] = (await left()).filter((name) => name.endsWith("-journal"));
  await writeFile(join(directory, journal), '{"format":2}');
  expect((await run(file)).get(large.bytes.byteLength)).toEqual([0]);
  expect(await left()).toEqual([]);
});

test("a part that is a link to a file of somebody's is not written through", async () => {
  const { file, directory, left } = await scene();
  await breakOff(file, 6_000_000);
  const [part = ""] = (await left()).filter((name) => !name.endsWith("-journal"));
  const theirs = join(await temporaryDirectory("theirs"), "file");
  await rename(join(directory, part), theirs);
  const before = await readFile(theirs);
  await symlink(theirs, join(directory, part));
  await run(file);
  expect((await readFile(theirs)).equals(before)).toBe(true);
  expect((await lstat(file)).isFile()).toBe(true);
  expect((await written(directory)).equals(await expected())).toBe(true);
});

test("a draft with parts of another size is removed", async () => {
  const { file, left } = await scene();
  await breakOff(file, 6_000_000, { partSize: 5_000_000 });
  const reads = await run(file);
  expect(reads.get(large.bytes.byteLength)).toEqual([0]);
  expect(await left()).toEqual([]);
});

test("the draft of a live process, of another machine's, or of another archive is left alone", async () => {
  const { file, directory, left } = await scene();
  await breakOff(file, 6_000_000);
  const [journal = ""] = (await left()).filter((name) => name.endsWith("-journal"));
  await rename(
    join(directory, journal),
    join(directory, journal.replace(/-0{16}-0-0-/, "-00000000000000aa-7-8-")),
  );
  await breakOff(join(directory, "b.tar"), 3_000_000);
  const before = await left();
  expect((await run(file)).get(large.bytes.byteLength)).toEqual([0]);
  expect(await left()).toEqual(before);
});

test("drafts that nobody goes on with are removed after a week, whoever has left them", async () => {
  const { file, directory, left } = await scene();
  const names: string[] = [];
  for (const owner of ["-0000000000000000-0-0-", "-00000000000000aa-7-8-"]) {
    await breakOff(join(directory, `old${names.length}.tar`), 3_000_000);
    for (const name of (await left()).filter((each) => !names.includes(each))) {
      const renamed = name.endsWith("-journal") ? name.replace(/-0{16}-0-0-/, owner) : name;
      await rename(join(directory, name), join(directory, renamed));
      names.push(renamed);
    }
  }
  const age = (days: number) => {
    const time = Date.now() / 1000 - days * 24 * 60 * 60;
    return Promise.all(names.map((name) => utimes(join(directory, name), time, time)));
  };
  await age(6);
  await run(file);
  expect(await left()).toEqual([...names].sort());
  await age(8);
  await run(file);
  expect(await left()).toEqual([]);
});

test("less than 1 MiB, docker's archives and runs that do not ask for it leave nothing", async () => {
  const { directory } = await scene();
  const file = join(directory, "a.tar");
  await breakOff(file, 6_000_000, { resume: false });
  expect(await readdir(directory)).toEqual([]);
  for (const [location, of] of [
    [`oci-archive:${file}`, [small]],
    [`docker-archive:${file}`, blobs],
  ] as const) {
    {
      await using stores = new Stores({ resume: true });
      await push(await stores.target(parseLocation(location), unstoppable), new Map(), undefined, of);
    }
    expect(await readdir(directory), location).toEqual([]);
  }
});

test("it is told when something is left, and when it is gone on with", async () => {
  const { file } = await scene();
  const told: string[] = [];
  const onTransfer: StoresOptions["onTransfer"] = (event) => {
    if (event.kind === "warning" || event.kind === "note") told.push(`${event.kind}: ${event.message}`);
  };
  await breakOff(file, 6_000_000, { onTransfer });
  await run(file, { onTransfer });
  expect(told).toEqual([
    expect.stringMatching(/^warning: .*kept beside .*a\.tar for a week/),
    expect.stringMatching(/^note: going on with what an earlier run has left/),
  ]);
});

/** The name that a file of a process that has ended would have. */
function endedName(name: string): string {
  return name.replace(/-\d+(-[0-9a-f-]{36}\.)/, "-1$1");
}
