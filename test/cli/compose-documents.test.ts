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
const amd64 = { os: "linux", architecture: "amd64" };
const index = { mediaType: "application/i", digest: digestOf(Buffer.from("i")), size: 900 };
const several: ComposeResult = {
  ...result,
  kind: "index",
  platforms: [platform, amd64],
  images: [image, { ...image, platform: amd64 }],
  descriptor: index,
};
const forecast = {
  reads: [{ image: "builder r.example/b:1", layers: 11, bytes: 188_000_000 }],
  directories: ["directory ./conf"],
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

  it("of several platforms has the index, and each platform's image", () => {
    expect(composeDocument(several)).toMatchObject({
      digest: index.digest,
      mediaType: "application/i",
      size: 900,
      platforms: [
        { platform: "linux/arm/v7", digest, layer: { entries: 12 } },
        { platform: "linux/amd64", digest, layer: { entries: 12 } },
      ],
    });
    expect(composeDocument({ ...several, images: [], descriptor: undefined, forecast })).toMatchObject({
      platforms: [{ platform: "linux/arm/v7" }, { platform: "linux/amd64" }],
      forecast,
    });
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

  it("of several platforms has the index alone", () => {
    expect(metadataDocument(several)).toEqual({
      "containerimage.descriptor": index,
      "containerimage.digest": index.digest,
      "image.name": "r.example/app:1,r.example/app:latest,oci:out:x",
    });
  });

  it("has no names when nothing was pushed, and no variant where there is none", () => {
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

  it("of several platforms has a row for each", () => {
    const rows = summarize(several).split("\n");
    expect(rows.slice(2, 5)).toEqual([
      "composed      44.5 MB (24 % of the builder)",
      `linux/arm/v7  new layer 4.5 MB with 12 entries, ${digest}`,
      `linux/amd64   new layer 4.5 MB with 12 entries, ${digest}`,
    ]);
  });

  it("compares with nothing when there is nothing to compare with", () => {
    const summary = summarize({ ...result, figures: { ...result.figures, builderSize: 0 } });
    expect(summary).not.toMatch(/%|NaN|Infinity|builder/);
  });

  it("of a dry run says what would move", () => {
    expect(describeForecast(forecast)).toBe(
      "would read  188.0 MB in 11 layers of builder r.example/b:1\n" +
        "would read  directory ./conf\n" +
        "would push  to r.example/app: the new layer; of the base, 1.0 kB are there, 2.0 kB would be mounted, 0 B copied\n",
    );
    expect(describeForecast({ reads: [], directories: [], targets: [] })).toBe("");
  });
});
