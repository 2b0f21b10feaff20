import { describe, expect, it } from "vitest";
import { composeDocument, metadataDocument } from "../../src/cli/compose-documents.ts";
import { describeForecast, summarize } from "../../src/cli/compose-summary.ts";
import { digestOf } from "../../src/model/digest.ts";
import type { ComposedImage } from "../../src/ops/assemble-image.ts";
import type { ComposeResult } from "../../src/ops/compose.ts";

const digest = digestOf(Buffer.from("x"));
const platform = { os: "linux", architecture: "arm", variant: "v7" };
const image: ComposedImage = {
  platform,
  descriptor: { mediaType: "application/m", digest, size: 700 },
  config: { mediaType: "application/c", digest, size: 300 },
  layer: { mediaType: "application/l", digest, size: 4_500_000 },
  diffId: digest,
  layerEntries: 12,
  layerTarSize: 9_000_000,
};
const result: ComposeResult = {
  kind: "manifest",
  platforms: [platform],
  images: [image],
  descriptor: image.descriptor,
  forecast: undefined,
  pushed: [
    { name: "r.example/app", digest, tags: ["1", "latest"] },
    { name: "oci:out", digest, tags: ["x"] },
  ],
  figures: {
    builderSize: 188_000_000,
    baseSize: 40_000_000,
    composedSize: 44_500_000,
    downloadedBytes: 228_000_000,
    uploadedBytes: 4_501_000,
    uploadedBlobs: 2,
    mountedBlobs: 3,
    presentBlobs: 1,
    elapsedMs: 1234.5,
  },
};
const forecast = {
  reads: [{ image: "builder r.example/b:1", layers: 11, bytes: 188_000_000 }],
  targets: [{ target: "r.example/app", presentBytes: 1000, mountedBytes: 2000, copiedBytes: 0 }],
};

describe("the JSON document", () => {
  it("has digests, sizes and figures", () => {
    expect(composeDocument(result)).toEqual({
      platform: "linux/arm/v7",
      digest,
      mediaType: "application/m",
      size: 700,
      config: image.config,
      layer: { ...image.layer, diffId: digest, entries: 12, tarSize: 9_000_000 },
      pushed: result.pushed,
      figures: { ...result.figures, elapsedMs: 1235 },
    });
  });

  it("of a dry run has the forecast in place of the image", () => {
    const document = composeDocument({
      ...result,
      images: [],
      descriptor: undefined,
      forecast,
      pushed: [],
    });
    expect(document).toMatchObject({ platform: "linux/arm/v7", forecast, pushed: [] });
    expect(document).not.toHaveProperty("digest");
  });
});

describe("the metadata file", () => {
  it("has BuildKit's keys", () => {
    expect(metadataDocument(result)).toEqual({
      "containerimage.config.digest": digest,
      "containerimage.descriptor": {
        mediaType: "application/m",
        digest,
        size: 700,
        platform: { architecture: "arm", os: "linux", variant: "v7" },
      },
      "containerimage.digest": digest,
      "image.name": "r.example/app:1,r.example/app:latest,oci:out:x",
    });
  });

  it("has no names when nothing was pushed, and no variant where there is none", () => {
    const amd64 = { os: "linux", architecture: "amd64" };
    const document = metadataDocument({ ...result, pushed: [], images: [{ ...image, platform: amd64 }] });
    expect(document).not.toHaveProperty(["image.name"]);
    expect(document["containerimage.descriptor"]).toMatchObject({
      platform: { architecture: "amd64", os: "linux" },
    });
  });
});

describe("the summary", () => {
  it("tells a person sizes, blobs and time, in columns", () => {
    expect(summarize(result)).toBe(
      [
        "builder     188.0 MB",
        "base        40.0 MB",
        "composed    44.5 MB (24 % of the builder), new layer 4.5 MB with 12 entries",
        "downloaded  228.0 MB",
        "uploaded    4.5 MB",
        "blobs       2 uploaded, 3 mounted, 1 already there",
        "time        1.2 s",
        "",
      ].join("\n"),
    );
  });

  it("compares with nothing when there is nothing to compare with", () => {
    expect(summarize({ ...result, figures: { ...result.figures, builderSize: 0 } })).not.toMatch(
      /%|NaN|Infinity/,
    );
  });

  it("of a dry run says what would move", () => {
    expect(describeForecast(forecast)).toBe(
      "would read  188.0 MB in 11 layers of builder r.example/b:1\n" +
        "would push  to r.example/app: the new layer; of the base, 1.0 kB are there, 2.0 kB would be mounted, 0 B copied\n",
    );
    expect(describeForecast({ reads: [], targets: [] })).toBe("");
  });
});
