import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { parseComposeFlags } from "../../src/frontends/flags/compose-flags.ts";
import { parseLocation } from "../../src/model/location.ts";
import { compose } from "../../src/ops/compose.ts";
import { listFiles } from "../../src/ops/image-files.ts";
import { type MadeFile, type MadeLayer, makeImage, saveMade, sha256, tarOf } from "../support/make-image.ts";
import { eStargzLayer, zstdChunkedLayer } from "../support/seekable-layers.ts";
import { temporaryDirectory } from "../support/temp.ts";

const files: readonly MadeFile[] = [
  { path: "app/" },
  { path: "app/empty" },
  { path: "app/large", content: "0123456789".repeat(20_000) },
  { path: "app/server.js", content: "console.log(1);\n", mode: 0o755, uid: 1000, gid: 1000 },
  { path: "app/latest", linkname: "server.js" },
];

const tar = tarOf(files);

/** The same files, packed in all the ways there are. */
const builders: Readonly<Record<string, MadeLayer>> = {
  gzip: { files },
  zstd: {
    packed: {
      bytes: zstdCompressSync(tar),
      mediaType: "application/vnd.oci.image.layer.v1.tar+zstd",
      diffId: sha256(tar),
    },
  },
  none: { packed: { bytes: tar, mediaType: "application/vnd.oci.image.layer.v1.tar", diffId: sha256(tar) } },
  "zstd:chunked": { packed: zstdChunkedLayer(files, "containers") },
  "zstd:chunked, later": { packed: zstdChunkedLayer(files, "containers-github") },
  "zstd:chunked of stargz": { packed: zstdChunkedLayer(files, "stargz") },
  eStargz: { packed: eStargzLayer(files) },
  "eStargz without annotations": { packed: { ...eStargzLayer(files), annotations: {} } },
};

describe("a builder's compression", () => {
  let layout: string;
  beforeAll(async () => {
    layout = join(await temporaryDirectory("seekable"), "layout");
    await saveMade(makeImage({ layers: [{ files: [{ path: "etc/" }] }] }), layout, "base");
    for (const [i, layer] of Object.values(builders).entries()) {
      await saveMade(makeImage({ layers: [layer] }), layout, `${i}`);
    }
  });

  it.each(["/app", "/"])("decides nothing of what is composed from %s", async (directory) => {
    const images = new Map<string, string>();
    for (const [i, name] of Object.keys(builders).entries()) {
      const {
        images: [image],
      } = await compose(
        parseComposeFlags({
          builder: `oci:${layout}:${i}`,
          base: `oci:${layout}:base`,
          directory: [`${directory}:/srv`],
          tag: [`oci:${layout}:out`],
          record: "none",
        }),
      );
      images.set(name, `${image?.layer.digest} ${image?.descriptor.digest}`);
    }
    const [first] = images.values();
    expect([...images]).toEqual(Object.keys(builders).map((name) => [name, first]));
  });

  it("shows in no listing", async () => {
    for (const [i, name] of Object.keys(builders).entries()) {
      const found = await listFiles(parseLocation(`oci:${layout}:${i}`), "/", true);
      expect(
        found.map(({ path }) => path),
        name,
      ).toEqual(["app", "app/empty", "app/large", "app/latest", "app/server.js"]);
    }
  });

  it("makes layers that are what they say, the footer being 51 bytes", () => {
    const { bytes } = eStargzLayer(files);
    expect(Buffer.from(bytes).subarray(-51).toString("hex")).toMatch(/^1f8b0804[0-9a-f]{12}1a0053471600/);
  });
});
