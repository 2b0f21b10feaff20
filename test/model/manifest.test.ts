import { describe, expect, it } from "vitest";
import { descriptorFromJson } from "../../src/model/descriptor.ts";
import { digestOf } from "../../src/model/digest.ts";
import type { JsonObject } from "../../src/model/json.ts";
import {
  encodeManifest,
  type ImageManifest,
  maxManifestSize,
  parseManifest,
} from "../../src/model/manifest.ts";
import { familyOf, isForeignLayerMediaType, mediaTypes } from "../../src/model/media-types.ts";

const digest = digestOf(Buffer.from("x"));
const config = { mediaType: mediaTypes.oci.config, digest, size: 2 };
const layer = { mediaType: mediaTypes.oci.layerGzip, digest, size: 3 };
const manifest = { schemaVersion: 2, mediaType: mediaTypes.oci.manifest, config, layers: [layer] };
const index = {
  schemaVersion: 2,
  mediaType: mediaTypes.oci.index,
  manifests: [{ ...config, mediaType: mediaTypes.oci.manifest }],
};

const parse = (document: unknown, mediaType: string = mediaTypes.oci.manifest) =>
  parseManifest(
    typeof document === "string" ? Buffer.from(document) : Buffer.from(JSON.stringify(document)),
    mediaType,
    "the image",
  );
const without = (document: JsonObject, key: string): JsonObject => {
  const { [key]: _, ...rest } = document;
  return rest;
};

describe("a manifest", () => {
  it("is read with its media type from the document, or else from the store", () => {
    expect(parse(manifest)).toEqual({
      kind: "manifest",
      mediaType: mediaTypes.oci.manifest,
      config,
      layers: [layer],
      annotations: {},
    });
    expect(parse(without(manifest, "mediaType"), mediaTypes.docker.manifest).mediaType).toBe(
      mediaTypes.docker.manifest,
    );
    expect(parse(without(manifest, "mediaType"), "application/json").mediaType).toBe(mediaTypes.oci.manifest);
    expect(parse(manifest, "text/plain").kind).toBe("manifest");
  });

  it("may be an index", () => {
    expect(parse(index, mediaTypes.oci.index)).toMatchObject({ kind: "index", manifests: [{ digest }] });
    expect(parse(without(index, "mediaType"), mediaTypes.docker.index).mediaType).toBe(
      mediaTypes.docker.index,
    );
    expect(parse({ ...index, manifests: [] }, mediaTypes.oci.index)).toMatchObject({ manifests: [] });
  });

  it("without layers is one", () => {
    expect(parse({ ...manifest, layers: [] })).toMatchObject({ layers: [] });
  });

  it.each<[what: string, document: unknown, mediaType: string | undefined, message: string]>([
    ["no JSON", "<html>no</html>", undefined, 'not JSON (it starts with "<html>no</html>")'],
    ["nothing", "", undefined, "not JSON"],
    ["a list", "[]", undefined, "not a JSON object"],
    ["null", "null", undefined, "not a JSON object"],
    ["schema 1", { schemaVersion: 1, fsLayers: [] }, undefined, "schema 1"],
    ["no schema version", without(manifest, "schemaVersion"), undefined, "schemaVersion is not 2"],
    ["a schema version in text", { ...manifest, schemaVersion: "2" }, undefined, "schemaVersion is not 2"],
    ["a type that is no text", { ...manifest, mediaType: 7 }, undefined, "mediaType is not a string"],
    [
      "an unknown type",
      { ...manifest, mediaType: "application/x" },
      "application/x",
      "not an image's media type",
    ],
    ["no config", without(manifest, "config"), undefined, "config of the image"],
    ["no layers", without(manifest, "layers"), undefined, "layers is not a list"],
    ["layers that are no list", { ...manifest, layers: {} }, undefined, "layers is not a list"],
    [
      "a layer that is no descriptor",
      { ...manifest, layers: [layer, null] },
      undefined,
      "layer 2 of the image",
    ],
    ["too many layers", { ...manifest, layers: Array(10_001).fill(1) }, undefined, "10001 entries"],
    ["annotations that are no texts", { ...manifest, annotations: { a: 1 } }, undefined, "annotations"],
    ["a malformed entry", { ...index, manifests: [{}] }, mediaTypes.oci.index, "entry 1 of the image"],
  ])("that is %s is refused", (_, document, mediaType, message) => {
    expect(() => parse(document, mediaType)).toThrow(
      expect.objectContaining({ code: "MANIFEST_INVALID", message: expect.stringContaining(message) }),
    );
  });

  it("whose bytes are no UTF-8 is refused", () => {
    const bytes = Buffer.from(JSON.stringify({ ...manifest, annotations: { a: "\xff" } }), "latin1");
    expect(() => parseManifest(bytes, mediaTypes.oci.manifest, "the image")).toThrow(
      expect.objectContaining({ code: "MANIFEST_INVALID", message: expect.stringContaining("not JSON") }),
    );
  });

  it("larger than registries must take is refused", () => {
    expect(() => parse(" ".repeat(maxManifestSize + 1))).toThrow(
      expect.objectContaining({ code: "LIMIT_EXCEEDED" }),
    );
  });

  it("is written with its fields in the specs' order, annotations sorted, nothing lost", () => {
    const whole: ImageManifest = {
      kind: "manifest",
      mediaType: mediaTypes.oci.manifest,
      config,
      layers: [{ ...layer, urls: ["https://x.example/l"], annotations: { z: "1" } }],
      annotations: { b: "2", a: "1", B: "3" },
    };
    const bytes = encodeManifest(whole);
    expect(Object.keys(JSON.parse(bytes.toString()))).toEqual([
      "schemaVersion",
      "mediaType",
      "config",
      "layers",
      "annotations",
    ]);
    expect(Object.keys(JSON.parse(bytes.toString()).annotations)).toEqual(["B", "a", "b"]);
    expect(parse(bytes.toString())).toEqual(whole);
    expect(encodeManifest({ ...whole, annotations: {} }).toString()).not.toContain('"annotations": {}');
  });
});

describe("a descriptor", () => {
  it("keeps what it knows and passes over nulls", () => {
    const whole = {
      ...layer,
      urls: ["https://x.example"],
      annotations: { a: "1" },
      platform: { os: "linux", architecture: "arm64" },
      artifactType: "x",
      data: "eA==",
    };
    expect(descriptorFromJson({ ...whole, unknown: 1 }, "it")).toEqual(whole);
    expect(descriptorFromJson({ ...layer, urls: null, annotations: null, platform: null }, "it")).toEqual(
      layer,
    );
    expect(descriptorFromJson({ ...layer, size: 0 }, "it").size).toBe(0);
  });

  it.each<[JsonObject | null | string, string]>([
    [null, "not an object"],
    ["x", "not an object"],
    [{ ...layer, mediaType: "" }, "mediaType"],
    [without(layer, "mediaType"), "mediaType"],
    [without(layer, "digest"), "missing"],
    [{ ...layer, digest: "sha256:abc" }, '"sha256:abc"'],
    [without(layer, "size"), "size is missing"],
    [{ ...layer, size: -1 }, "size is -1"],
    [{ ...layer, size: 1.5 }, "size is 1.5"],
    [{ ...layer, size: "3" }, 'size is "3"'],
    [{ ...layer, urls: "x" }, "urls"],
    [{ ...layer, annotations: [] }, "annotations"],
    [{ ...layer, platform: {} }, "platform"],
  ])("%j is refused: %s", (value, message) => {
    expect(() => descriptorFromJson(value, "layer 3")).toThrow(
      expect.objectContaining({
        code: "MANIFEST_INVALID",
        message: expect.stringMatching(new RegExp(`^layer 3: .*${message}`)),
      }),
    );
  });

  it("of an absurd size is refused", () => {
    expect(descriptorFromJson({ ...layer, size: 2 ** 40 }, "it").size).toBe(2 ** 40);
    expect(() => descriptorFromJson({ ...layer, size: 2 ** 40 + 1 }, "it")).toThrow(
      expect.objectContaining({ code: "LIMIT_EXCEEDED" }),
    );
  });
});

describe("media types", () => {
  it("tell their family", () => {
    for (const type of Object.values(mediaTypes.oci)) expect(familyOf(type)).toBe("oci");
    for (const type of Object.values(mediaTypes.docker)) expect(familyOf(type)).toBe("docker");
  });

  it("tell foreign layers", () => {
    expect(isForeignLayerMediaType("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")).toBe(true);
    expect(isForeignLayerMediaType("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip")).toBe(
      true,
    );
    for (const family of Object.values(mediaTypes))
      for (const type of Object.values(family)) expect(isForeignLayerMediaType(type)).toBe(false);
  });
});
