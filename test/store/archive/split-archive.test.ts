import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { unstoppable } from "../../../src/io/call.ts";
import { collect } from "../../../src/io/collect.ts";
import { parseLocation } from "../../../src/model/location.ts";
import { parseManifest } from "../../../src/model/manifest.ts";
import { mediaTypes } from "../../../src/model/media-types.ts";
import { checkParts } from "../../../src/store/archive/check-parts.ts";
import { openWholeArchive } from "../../../src/store/archive/open-whole-archive.ts";
import { partNames } from "../../../src/store/archive/part-list.ts";
import { Stores } from "../../../src/store/open-stores.ts";
import { temporaryDirectory } from "../../support/temp.ts";
import { blob, indexOf, pushTinyImage, type TinyImage, tinyImage } from "../layout/tiny-image.ts";

const partSize = 20_000;
const padding = blob(mediaTypes.oci.layer, randomBytes(70_000));

/** Writes an archive with an image and a large blob. */
async function write(
  file: string,
  image: TinyImage,
  size: number | undefined,
  filler = padding,
): Promise<void> {
  await using stores = new Stores({ partSize: size });
  const target = await stores.target(parseLocation(`oci-archive:${file}`), unstoppable);
  await target.push(filler.descriptor, async () => once(filler.bytes), unstoppable);
  await pushTinyImage(target, image);
  await target.tag(image.manifest, "1", unstoppable);
  await target.commit?.(unstoppable);
}

/** Reads the image and the large blob to their verified ends. */
async function read(file: string, filler = padding): Promise<string> {
  await using stores = new Stores({});
  const { source, selector } = await stores.source(
    parseLocation(`oci-archive:${file}`),
    "source",
    unstoppable,
  );
  const { descriptor, bytes } = await source.manifest(selector, unstoppable);
  const manifest = parseManifest(bytes, descriptor.mediaType, file);
  const blobs = manifest.kind === "manifest" ? [manifest.config, ...manifest.layers] : [];
  for (const each of [...blobs, filler.descriptor]) {
    await collect(await source.fetch(each, unstoppable), 1e6, "blob");
  }
  return descriptor.digest;
}

/** A split archive in a directory of its own. */
async function scene(image?: TinyImage) {
  const directory = await temporaryDirectory("split");
  const file = join(directory, "a.tar");
  const written = image ?? (await tinyImage("one"));
  await write(file, written, partSize);
  return { directory, file, digest: written.manifest.descriptor.digest };
}

const names = (count: number) => [...partNames("a.tar", count), "a.tar.sha256"];

test("parts have one size, are what the whole archive is, and are checked by sha256sum", async () => {
  const { directory, file } = await scene();
  expect((await readdir(directory)).sort()).toEqual(names(4));
  const parts = await Promise.all(partNames(file, 4).map((path) => readFile(path)));
  expect(parts.slice(0, 3).map((part) => part.byteLength)).toEqual([partSize, partSize, partSize]);
  await write(`${file}.whole`, await tinyImage("one"), undefined);
  expect(Buffer.concat(parts).equals(await readFile(`${file}.whole`))).toBe(true);
  const { stdout } = await promisify(execFile)("sha256sum", ["-c", "a.tar.sha256"], { cwd: directory });
  expect(stdout).toBe("a.tar.001: OK\na.tar.002: OK\na.tar.003: OK\na.tar.004: OK\n");
  expect(await readFile(`${file}.sha256`, "utf8")).toBe(
    (await promisify(execFile)("sha256sum", partNames("a.tar", 4), { cwd: directory })).stdout,
  );
});

test("names sort, and all begin with a zero, however many there are", () => {
  expect(partNames("a", 2)).toEqual(["a.001", "a.002"]);
  expect(partNames("a", 99).at(-1)).toBe("a.099");
  expect(partNames("a", 100).at(-1)).toBe("a.0100");
});

test("an archive smaller than a part is one part", async () => {
  const directory = await temporaryDirectory("split");
  const file = join(directory, "a.tar");
  await write(file, await tinyImage("one"), 1e9);
  expect((await readdir(directory)).sort()).toEqual(names(1));
  await read(file);
});

test("parts are read as one archive, by the archive's name, the list's or the first part's", async () => {
  const { file, digest } = await scene();
  for (const name of [file, `${file}.sha256`, `${file}.001`]) expect(await read(name), name).toBe(digest);
  await using archive = await openWholeArchive(file, unstoppable);
  expect(await archive.images.tags(unstoppable)).toEqual(["1"]);
});

test("parts that are missing or cut are refused at once, all of them named", async () => {
  const { directory, file } = await scene();
  await truncate(`${file}.002`, partSize - 1);
  await rm(`${file}.003`);
  const refusal = {
    code: "ARCHIVE_INVALID",
    message: expect.stringContaining("a.tar.002 has 19999 bytes, not 20000, a.tar.003 is missing"),
    hint: expect.stringContaining("sha256sum -c a.tar.sha256"),
  };
  await expect(read(file)).rejects.toMatchObject(refusal);
  await expect(openWholeArchive(file, unstoppable)).rejects.toMatchObject(refusal);
  const { stdout } = await promisify(execFile)("ls", { cwd: directory });
  expect(stdout).not.toContain("a.tar\n");
});

test("a last part that is cut is refused by name", async () => {
  const { file } = await scene();
  await truncate(`${file}.004`, 100);
  await expect(read(file)).rejects.toMatchObject({
    code: "ARCHIVE_INVALID",
    message: expect.stringContaining("a.tar.004"),
  });
});

test("an altered part is named when a blob in it is read, or the headers are", async () => {
  const { file } = await scene();
  await alter(`${file}.002`, 10_000);
  await expect(read(file)).rejects.toMatchObject({
    code: "DIGEST_MISMATCH",
    message: expect.stringContaining("a.tar.001 to a.tar.004"),
    hint: expect.stringContaining("sha256sum -c a.tar.sha256"),
  });
  const other = await scene();
  await alter(`${other.file}.001`, 0);
  await expect(read(other.file)).rejects.toMatchObject({
    code: "ARCHIVE_INVALID",
    message: expect.stringContaining("a.tar.001"),
    hint: expect.stringContaining("sha256sum -c a.tar.sha256"),
  });
});

test("checking hashes every part, and tells what is altered or missing", async () => {
  const { file } = await scene();
  const states = async (name: string) =>
    (await checkParts(name, unstoppable))?.parts.map(({ state }) => state);
  expect(await states(file)).toEqual(["intact", "intact", "intact", "intact"]);
  await alter(`${file}.002`, 10_000);
  await rm(`${file}.004`);
  for (const name of [file, `${file}.sha256`, `${file}.001`]) {
    expect(await states(name), name).toEqual(["intact", "altered", "intact", "missing"]);
  }
  await write(`${file}.whole`, await tinyImage("one"), undefined);
  expect(await checkParts(`${file}.whole`, unstoppable)).toBeUndefined();
});

test("parts replace a whole archive of that name, and more parts of an older one", async () => {
  const { directory, file } = await scene();
  const two = await tinyImage("two");
  await write(file, two, 40_000);
  expect((await readdir(directory)).sort()).toEqual(names(2));
  expect(await read(file)).toBe(two.manifest.descriptor.digest);

  await write(file, two, undefined);
  expect(await readdir(directory)).toEqual(["a.tar"]);
  await write(file, await tinyImage("one"), partSize);
  expect((await readdir(directory)).sort()).toEqual(names(4));
});

test("a whole archive leaves checksums and files beside it that are no parts of it", async () => {
  const directory = await temporaryDirectory("split");
  const file = join(directory, "a.tar");
  await writeFile(`${file}.sha256`, `${"0".repeat(64)}  a.tar\n`);
  await writeFile(`${file}.001`, "mine");
  await write(file, await tinyImage("one"), undefined);
  expect((await readdir(directory)).sort()).toEqual(["a.tar", "a.tar.001", "a.tar.sha256"]);
  expect(await checkParts(file, unstoppable)).toBeUndefined();
});

test("parts that appeared in part, of a run that was cut off between, are refused and not mixed", async () => {
  const { directory, file } = await scene();
  // The second part cannot get its name.
  await rename(`${file}.002`, join(directory, "kept"));
  await mkdir(join(`${file}.002`, "in-the-way"), { recursive: true });
  await expect(write(file, await tinyImage("two"), partSize)).rejects.toMatchObject({ code: "LOCAL_IO" });
  await expect(read(file)).rejects.toMatchObject({
    code: "ARCHIVE_INVALID",
    message: expect.stringContaining("there is a.tar.001, but no a.tar.sha256"),
  });
  await rm(`${file}.002`, { recursive: true });
  await write(file, await tinyImage("two"), partSize);
  await read(file);
  expect((await readdir(directory)).sort()).toEqual([...names(4), "kept"]);
});

test("of two runs at once into one archive one's parts are there, all of them", async () => {
  const { directory, file } = await scene();
  const images = [await tinyImage("two"), await tinyImage("three")];
  const fillers = images.map(() => blob(mediaTypes.oci.layer, randomBytes(70_000)));
  await Promise.all(images.map((image, i) => write(file, image, partSize, fillers[i])));
  expect((await readdir(directory)).sort()).toEqual(names(4));
  for (const { state } of (await checkParts(file, unstoppable))?.parts ?? []) expect(state).toBe("intact");
  await using archive = await openWholeArchive(file, unstoppable);
  const { digest } = await archive.images.resolve({ tag: "1" }, unstoppable);
  expect(images.map(({ manifest }) => manifest.descriptor.digest)).toContain(digest);
});

test("a whole archive counts until the list of the parts that replace it is there", async () => {
  const { directory, file } = await scene();
  const two = await tinyImage("two");
  await write(join(directory, "b.tar"), two, undefined);
  await rename(join(directory, "b.tar"), file);
  expect(await read(file)).toBe(two.manifest.descriptor.digest);
});

test("several images committed one after the other end in one set of parts", async () => {
  const directory = await temporaryDirectory("split");
  const file = join(directory, "a.tar");
  const [one, two] = [await tinyImage("one"), await tinyImage("two")];
  {
    await using stores = new Stores({ partSize: 1000 });
    const target = await stores.target(parseLocation(`oci-archive:${file}`), unstoppable);
    for (const image of [one, two]) {
      await pushTinyImage(target, image);
      await target.tag(image.manifest, image === one ? "1" : "2", unstoppable);
      await target.commit?.(unstoppable);
    }
    const index = indexOf(one.manifest, two.manifest);
    await target.tag(index, "both", unstoppable);
    await target.commit?.(unstoppable);
  }
  await using archive = await openWholeArchive(file, unstoppable);
  expect(await archive.images.tags(unstoppable)).toEqual(["1", "2", "both"]);
  for (const { state } of (await checkParts(file, unstoppable))?.parts ?? []) expect(state).toBe("intact");
});

test.each([
  ["docker-archive:a.tar", 1000],
  ["oci-archive:-", 1000],
  ["oci-archive:a.tar", 0],
  ["oci-archive:a.tar", 1.5],
])("%s is not split into parts of %d bytes", async (location, size) => {
  await using stores = new Stores({ partSize: size, writeOutput: async () => {} });
  await expect(stores.target(parseLocation(location), unstoppable)).rejects.toMatchObject({ code: "USAGE" });
});

test("a run that fails leaves no parts", async () => {
  const directory = await temporaryDirectory("split");
  {
    await using stores = new Stores({ partSize });
    const target = await stores.target(parseLocation(`oci-archive:${directory}/a.tar`), unstoppable);
    await target.push(padding.descriptor, async () => once(padding.bytes), unstoppable);
    expect(await readdir(directory)).toHaveLength(4);
  }
  expect(await readdir(directory)).toEqual([]);
});

async function alter(path: string, position: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[position] = (bytes[position] ?? 0) ^ 1;
  await writeFile(path, bytes);
  expect((await stat(path)).size).toBe(bytes.byteLength);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
