import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, expect, test } from "vitest";
import { blobPath } from "../support/blob-path.ts";
import { type ComposeArguments, composeArguments } from "../support/compose-scene.ts";
import { type MadeLayer, makeImage, makeIndex, saveMade, sha256 } from "../support/make-image.ts";
import { runMeasured } from "../support/peak-memory.ts";
import { expectRefusal, type Refusal } from "../support/refusal.ts";
import { runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";
import { archive, block, gnuMagic, member, pax } from "../tar/craft.ts";

/** Most bytes that a refusal, or a harmless result, may take; none of the images is anywhere near as large. */
const memoryLimit = 400_000_000;

const app = member({ name: "app/", typeflag: "5" });
const escapes = "\u001b]0;title\u0007\u001b[2J\u009b31m\r\nforged: line\u202e";

const repeated = (count: number, make: (i: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, i) => make(i)));
const packed = (...parts: Buffer[]): Buffer => gzipSync(archive(...parts), { level: 1 });

/** A stream of zeros of so many GiB, as gzip members of 64 MiB each, and before it whatever is given. */
function zerosAfter(start: Buffer, gibibytes: number): Buffer {
  const zeros = gzipSync(Buffer.alloc(64 * 2 ** 20), { level: 9 });
  return Buffer.concat([gzipSync(start), ...Array.from({ length: gibibytes * 16 }, () => zeros)]);
}

/** A zstd frame that asks for a window of 2 GiB and holds a byte. */
const wideWindow = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x09, 0x00, 0x00, 0x61]);

const layers: readonly (readonly [
  string,
  () => Buffer,
  Omit<Refusal, "status" | "hint"> & Partial<Refusal>,
])[] = [
  [
    "a zstd frame with a window of 2 GiB",
    () => wideWindow,
    { code: "LIMIT_EXCEEDED", message: ["window of more than 128 MiB"], hint: "--long=27" },
  ],
  [
    "a sparse file of 8 PiB in a few bytes",
    () =>
      packed(
        app,
        block({
          name: "app/s",
          typeflag: "S",
          magic: gnuMagic,
          at: { 483: `\x80${"\0".repeat(4)}\x1f${"\xff".repeat(6)}` },
        }),
      ),
    { code: "LIMIT_EXCEEDED", message: ["/app/s has 9007199254740991 bytes"] },
  ],
  [
    "a file of 8 EiB",
    () => packed(app, block({ name: "app/f", size: `\x80${"\0".repeat(3)}\x7f${"\xff".repeat(7)}` })),
    { code: "LAYER_INVALID", message: ["size is not a valid number"] },
  ],
  [
    "a file of 1 TiB that is not there",
    () => packed(app, block({ name: "app/f", size: `\x80${"\0".repeat(5)}\x01${"\0".repeat(5)}` })),
    { code: "LAYER_TRUNCATED", message: ['"app/f"', "of 1099511627776 bytes"] },
  ],
  [
    "an extended header of 8 GiB",
    () => packed(app, block({ name: "x", typeflag: "x", size: 2 ** 33 - 1 })),
    { code: "LIMIT_EXCEEDED", message: ["an extended header of 8589934591 bytes"] },
  ],
  [
    "a record that says it is 999,999,999 bytes long",
    () => packed(app, member({ typeflag: "x" }, "999999999 path=x\n")),
    { code: "LAYER_INVALID", message: ["malformed record"] },
  ],
  [
    "global headers that every entry would have to carry",
    () =>
      packed(
        pax(
          Array.from({ length: 30_000 }, (_, i) => [`SCHILY.xattr.user.${i}`, "v"] as const),
          "g",
        ),
        app,
      ),
    { code: "LIMIT_EXCEEDED", message: ["global extended headers"] },
  ],
  [
    "a name of 1 MiB",
    () => packed(member({ typeflag: "L", magic: gnuMagic }, "n".repeat(2 ** 20)), member({ name: "x" })),
    { code: "LIMIT_EXCEEDED", message: ["a path of 1048576 bytes"] },
  ],
  [
    "a symlink to a target of 1 MiB",
    () =>
      packed(
        app,
        member({ typeflag: "K", magic: gnuMagic }, "a/".repeat(2 ** 19)),
        member({ name: "app/l", typeflag: "2" }),
      ),
    { code: "LIMIT_EXCEEDED", message: ["link /app/l: a path of 1048576 bytes"] },
  ],
  [
    "sparse files without end in a chain of maps",
    () =>
      packed(
        app,
        block({ name: "app/s", typeflag: "S", magic: gnuMagic, at: { 482: "\x01" } }),
        repeated(3000, () => Buffer.alloc(512, "\x01", "latin1")),
      ),
    { code: "LAYER_INVALID", message: ["sparse map"] },
  ],
];

/** Layers that are legal, however odd: what is copied of each is `/app/f` alone. */
const legal: readonly (readonly [string, () => Buffer])[] = [
  [
    "4 GiB of zeros in 4 MB",
    () =>
      zerosAfter(
        Buffer.concat([app, member({ name: "app/f" }, "x"), block({ name: "z", size: 4 * 2 ** 30 })]),
        4,
      ),
  ],
  [
    "a million entries beside the selection",
    () =>
      packed(
        app,
        member({ name: "app/f" }, "x"),
        repeated(1_000_000, (i) => block({ name: `other/${i}` })),
      ),
  ],
  [
    "a million whiteouts beside the selection",
    () =>
      packed(
        app,
        member({ name: "app/f" }, "x"),
        repeated(1_000_000, (i) => block({ name: `other/.wh.${i}` })),
      ),
  ],
  [
    "10,000 symlinks in a row, and a loop",
    () =>
      packed(
        app,
        member({ name: "app/f" }, "x"),
        repeated(10_000, (i) => block({ name: `l${i}`, typeflag: "2", linkname: `l${i + 1}` })),
        block({ name: "loop", typeflag: "2", linkname: "loop" }),
      ),
  ],
  [
    "10,000 empty gzip members",
    () => Buffer.concat([repeated(10_000, () => gzipSync("")), packed(app, member({ name: "app/f" }, "x"))]),
  ],
];

describeWith(["cli", "time"], "hostile images", () => {
  let home: string;
  let target: string;

  beforeAll(async () => {
    home = await temporaryDirectory("hostile");
    target = join(home, "target");
  });

  const save = async (name: string, ...layers: MadeLayer[]) =>
    saveMade(makeImage({ layers }), join(home, name), "1");
  const argumentsFor = (changes: ComposeArguments): string[] =>
    composeArguments({ base: "scratch", directory: "/app", tag: `oci:${target}:1`, quiet: true, ...changes });

  async function refused(changes: ComposeArguments, refusal: Refusal): Promise<void> {
    const result = await runMeasured(argumentsFor(changes));
    await expectRefusal(result, refusal);
    expect(result.stderr.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(result.peakMemory).toBeLessThan(memoryLimit);
    if (existsSync(target)) {
      expect(JSON.parse(await readFile(join(target, "index.json"), "utf8")).manifests).toEqual([]);
    }
  }

  test.each(layers)("%s: the layer is refused", async (name, blob, refusal) => {
    const directory = name.replaceAll(/\W/g, "-");
    await refused(
      { builder: await save(directory, { blob: blob() }) },
      { hint: /./, ...refusal, status: 6, message: ["builder layer 1 of oci:", ...refusal.message] },
    );
  });

  test.each(legal)("%s: only what is copied counts", async (name, blob) => {
    const builder = await save(name.replaceAll(/\W/g, "-"), { blob: blob() });
    const out = join(home, `out-${name.replaceAll(/\W/g, "-")}`);
    const result = await runMeasured(argumentsFor({ builder, tag: `oci:${out}:1` }));
    expect(result).toMatchObject({ status: 0, stderr: "" });
    expect(result.peakMemory).toBeLessThan(memoryLimit);
    expect((await runCli(["ls", `oci:${out}:1`, "-R"])).stdout.match(/ \/\S+\n/g)).toEqual([
      " /app/\n",
      " /app/f\n",
    ]);
    expect(await readdir(result.temporary)).toEqual([]);
  });

  test("a source that leads through ten thousand symlinks, or a loop of them, is not there", async () => {
    const builder = await save("links", {
      blob: packed(
        repeated(10_000, (i) => block({ name: `l${i}`, typeflag: "2", linkname: `l${i + 1}` })),
        block({ name: "loop", typeflag: "2", linkname: "./loop" }),
      ),
    });
    for (const directory of ["/loop", "/l0"]) {
      const result = await runMeasured(argumentsFor({ builder, directory: `${directory}:/app` }));
      expect(result.status, result.stderr).toBe(directory === "/loop" ? 4 : 6);
      expect(result.stderr).toMatch(/symlinks/);
      expect(result.peakMemory).toBeLessThan(memoryLimit);
    }
  });

  test("what is in names, links, platforms and media types does not act on the terminal", async () => {
    const entries = [
      [member({ name: `../${escapes}` }, ""), "PATH_ESCAPES"],
      [member({ name: "app/l", typeflag: "1", linkname: escapes }, ""), "LAYER_INVALID"],
      [member({ name: `app/.wh.${escapes}/x` }, ""), "LAYER_INVALID"],
    ] as const;
    for (const [i, [entry, code]] of entries.entries()) {
      const builder = await save(`escapes-${i}`, { blob: packed(app, entry) });
      await refused({ builder }, { status: 6, code, message: [/\\x1b|\\x0a/], hint: /./ });
    }
    const odd = makeImage({ layers: [], architecture: escapes });
    const builder = await saveMade(odd, join(home, "escapes-platform"), escapes);
    const unnamed = builder.slice(0, -escapes.length - 1);
    await refused(
      { builder: unnamed, "builder-platform": "linux/amd64" },
      { status: 2, code: "PLATFORM_MISMATCH", message: ["\\x1b]0;title"], hint: /./ },
    );
    await refused(
      { builder: `${unnamed}:other` },
      { status: 4, code: "MANIFEST_NOT_FOUND", message: ["no tag other"], hint: "\\x1b]0;title" },
    );
  });

  test("nor does it in warnings and listings", async () => {
    const twice = packed(
      app,
      member({ name: `app/${escapes}` }, "a"),
      member({ name: `app/${escapes}` }, "b"),
    );
    const builder = await save("warned", { blob: twice });
    const composed = await runCli(
      argumentsFor({ builder, quiet: undefined, tag: `oci:${home}/warned-out:1` }),
    );
    expect(composed.stderr).toContain("warning: builder layer 1");
    const listings = [await runCli(["ls", builder, "/app"]), await runCli(["ls", "--json", builder, "/app"])];
    for (const text of [composed.stderr, ...listings.map(({ stdout }) => stdout)]) {
      expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }
    expect(JSON.parse(listings[1]?.stdout ?? "")[0].path).toBe(
      `/app/${Buffer.from(escapes, "latin1").toString("utf8")}`,
    );
  });

  test("very many files are listed", async () => {
    const image = await save("many", { blob: packed(repeated(200_000, (i) => block({ name: `f${i}` }))) });
    const { status, stdout, stderr } = await runCli(["ls", image]);
    expect({ status, stderr, lines: stdout.split("\n").length }).toEqual({
      status: 0,
      stderr: "",
      lines: 200_001,
    });
  });

  test("an index that holds an index, however deep or in a circle of tags, is refused at the first step", async () => {
    let index = makeIndex([makeImage({ layers: [] })]);
    for (let depth = 0; depth < 3; depth += 1) {
      const nested = makeIndex([{ ...index, architecture: "amd64" }]);
      index = { ...nested, children: [...nested.children, ...index.children] };
    }
    const builder = await saveMade(index, join(home, "nested"), "1");
    await refused(
      { builder },
      { status: 6, code: "MANIFEST_INVALID", message: ["holds another index"], hint: /./ },
    );
  });

  test("a manifest of ten thousand layers and one is refused, one of ten thousand ends", async () => {
    const one = makeImage({
      layers: Array.from({ length: 10_000 }, () => ({ files: [{ path: "app/f", content: "x" }] })),
    });
    const directory = join(home, "layers");
    const builder = await saveMade(one, directory, "1");
    const result = await runMeasured(argumentsFor({ builder, tag: `oci:${home}/layers-out:1` }));
    expect(result).toMatchObject({ status: 0, stderr: "" });
    expect(result.peakMemory).toBeLessThan(memoryLimit);
    const manifest = JSON.parse(Buffer.from(one.top.bytes).toString());
    manifest.layers.push(manifest.layers[0]);
    const { mediaType } = one.top.descriptor;
    const bytes = Buffer.from(JSON.stringify(manifest));
    const top = { bytes, descriptor: { mediaType, digest: sha256(bytes), size: bytes.byteLength } };
    const more = await saveMade({ ...one, top }, directory, "more");
    await refused(
      { builder: more },
      { status: 6, code: "MANIFEST_INVALID", message: ["10001 entries"], hint: /./ },
    );
  });

  test("a configuration nested deeper than a call stack is refused; keys of prototypes are kept as what they are", async () => {
    const image = makeImage({ layers: [{ files: [{ path: "app/f", content: "x" }] }] });
    const save = async (name: string, text: string): Promise<string> => {
      const bytes = Buffer.from(text);
      const descriptor = {
        mediaType: image.configs[0]?.descriptor.mediaType ?? "",
        digest: sha256(bytes),
        size: bytes.byteLength,
      };
      const manifest = Buffer.from(
        JSON.stringify({ ...JSON.parse(Buffer.from(image.top.bytes).toString()), config: descriptor }),
      );
      const top = {
        bytes: manifest,
        descriptor: { ...image.top.descriptor, digest: sha256(manifest), size: manifest.byteLength },
      };
      return saveMade({ ...image, top, configs: [{ bytes, descriptor }] }, join(home, name), "1");
    };
    const sound = Buffer.from(image.configs[0]?.bytes ?? []).toString();
    const deep = await save("deep", sound.replace("{", `{"x":${"[".repeat(200_000)}${"]".repeat(200_000)},`));
    for (const side of ["builder", "base"]) {
      await refused(
        { builder: deep, base: "scratch", [side]: deep },
        { status: 6, code: "CONFIG_INVALID", message: ["nested deeper"], hint: /./ },
      );
    }
    const odd = await save("proto", sound.replace("{", '{"__proto__":{"os":"windows"},"constructor":"x",'));
    const out = join(home, "proto-out");
    const result = await runCli(
      argumentsFor({ builder: odd, base: odd, tag: `oci:${out}:1`, label: "__proto__=kept" }),
    );
    expect(result).toMatchObject({ status: 0, stderr: "" });
    const digest = result.stdout.trim().split("@").at(-1) ?? "";
    const manifest = JSON.parse(await readFile(blobPath(out, digest), "utf8"));
    const config = await readFile(blobPath(out, manifest.config.digest), "utf8");
    expect(config).toContain('"__proto__": "kept"');
    expect(config).toContain('"constructor": "x"');
  });

  test("a layout's index that names blobs by other paths is refused", async () => {
    const directory = join(home, "paths");
    await mkdir(directory);
    await writeFile(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    const entry = {
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest: "sha256:../../../../etc/passwd",
      size: 7,
    };
    await writeFile(join(directory, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
    await refused(
      { builder: `oci:${directory}` },
      { status: 6, code: "LAYOUT_INVALID", message: ["sha256:../../../../etc/passwd"], hint: /./ },
    );
  });

  test("a base whose account file is absurdly large is refused before it is put aside", async () => {
    const huge = packed(
      block({ name: "etc/passwd", typeflag: "S", magic: gnuMagic, at: { 483: "77777777777\0" } }),
    );
    const builder = await save("owned", { files: [{ path: "app/f", content: "x" }] });
    await refused(
      { builder, base: await save("huge-passwd", { blob: huge }), chown: "root" },
      { status: 6, code: "LIMIT_EXCEEDED", message: ["account file of base"], hint: "numbers" },
    );
  });
});
