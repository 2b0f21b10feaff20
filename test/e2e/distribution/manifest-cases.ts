import { digestOf } from "../../../src/model/digest.ts";
import { encodeJson } from "../../../src/model/manifest.ts";
import { mediaTypes } from "../../../src/model/media-types.ts";
import { blob, indexOf, tinyImage } from "../../store/layout/tiny-image.ts";
import { type Ask, type Expected, expectAnswer } from "./ask.ts";
import { artifact, type Cases, pushBlob, pushImage, pushManifest } from "./scene.ts";

const limit = 4 * 1024 * 1024;

/** Puts a document as a manifest. */
async function put(
  ask: Ask,
  path: string,
  body: Uint8Array,
  type: string,
  expected: Expected,
): Promise<void> {
  expectAnswer(await ask("PUT", path, { headers: { "Content-Type": type }, body }), expected);
}

/** A manifest of nothing but its config, with as many bytes as are asked for. */
async function manifestOfSize(ask: Ask, repository: string, size: number): Promise<Buffer> {
  const { config } = await tinyImage("large");
  await pushBlob(ask, repository, config.bytes);
  const padded = (pad: string) =>
    encodeJson({
      schemaVersion: 2,
      mediaType: mediaTypes.oci.manifest,
      config: { ...config.descriptor } as never,
      layers: [],
      annotations: { pad },
    });
  return padded("x".repeat(size - padded("").byteLength));
}

function refused(body: string, type: string, expected: Expected) {
  return ({ ask }: { readonly ask: Ask }): Promise<void> =>
    put(ask, "put/refused/manifests/1", Buffer.from(body), type, expected);
}

const invalid: Expected = { status: 400, code: "MANIFEST_INVALID" };

export const manifestCases: Cases = {
  "end-7-tag": async ({ ask }) => {
    const image = await tinyImage("by tag");
    await pushImage(ask, "put/tag", image, "old");
    const { digest, mediaType } = image.manifest.descriptor;
    await put(ask, "put/tag/manifests/1", image.manifest.bytes, mediaType, {
      status: 201,
      headers: {
        location: `/v2/put/tag/manifests/${digest}`,
        "docker-content-digest": digest,
        "oci-subject": null,
      },
    });
    expectAnswer(await ask("GET", "put/tag/manifests/1"), { status: 200, body: image.manifest.bytes });
  },
  "end-7-digest": async ({ ask }) => {
    const image = await tinyImage("by digest");
    for (const { bytes } of [image.config, image.layer]) await pushBlob(ask, "put/digest", bytes);
    const { digest, mediaType } = image.manifest.descriptor;
    const path = `put/digest/manifests/${digest}`;
    await put(ask, path, image.manifest.bytes, mediaType, {
      status: 201,
      headers: { location: `/v2/${path}`, "docker-content-digest": digest },
    });
    expectAnswer(await ask("GET", path), { status: 200, body: image.manifest.bytes });
    expectAnswer(await ask("GET", "put/digest/tags/list"), { status: 200, json: { tags: [] } });
  },
  "end-7-moves-tag": async ({ ask }) => {
    const [one, two] = [await tinyImage("before"), await tinyImage("after")];
    for (const image of [one, two]) await pushImage(ask, "put/moved", image, "1");
    expectAnswer(await ask("GET", "put/moved/manifests/1"), { status: 200, body: two.manifest.bytes });
    expectAnswer(await ask("HEAD", `put/moved/manifests/${one.manifest.descriptor.digest}`), { status: 200 });
  },
  "end-7-wrong-digest": async ({ ask }) => {
    const image = await tinyImage("misnamed");
    const path = `put/misnamed/manifests/${digestOf(Buffer.from("x"))}`;
    await put(ask, path, image.manifest.bytes, mediaTypes.oci.manifest, {
      status: 400,
      code: "DIGEST_INVALID",
    });
  },
  "end-7-index": async ({ ask }) => {
    const image = await tinyImage("in an index");
    const { bytes, descriptor } = indexOf(image.manifest);
    const path = "put/index/manifests/1";
    await put(ask, path, bytes, descriptor.mediaType, { status: 400, code: "MANIFEST_BLOB_UNKNOWN" });
    await pushImage(ask, "put/index", image);
    await put(ask, path, bytes, descriptor.mediaType, { status: 201 });
  },
  "end-7-missing-blobs": async ({ ask }) => {
    const { manifest, config, layer } = await tinyImage("without its layer");
    await pushBlob(ask, "put/missing", config.bytes);
    await put(ask, "put/missing/manifests/1", manifest.bytes, mediaTypes.oci.manifest, {
      status: 400,
      code: "MANIFEST_BLOB_UNKNOWN",
      json: { errors: [{ detail: [{ digest: layer.descriptor.digest }] }] },
    });
    expectAnswer(await ask("HEAD", "put/missing/manifests/1"), { status: 404 });
  },
  "end-7-subject": async ({ ask, content }) => {
    const image = await tinyImage("about another");
    await pushBlob(ask, "put/subject", image.config.bytes);
    const { bytes } = artifact(image, content.image.manifest.descriptor, {});
    const { digest } = content.image.manifest.descriptor;
    await put(ask, "put/subject/manifests/1", bytes, mediaTypes.oci.manifest, {
      status: 201,
      headers: { "oci-subject": digest },
    });
    expectAnswer(await ask("GET", `put/subject/referrers/${digest}`), {
      status: 200,
      json: { manifests: [{ digest: digestOf(bytes) }] },
    });
  },
  "end-7-fallback-tag": async ({ ask }) => {
    const image = await tinyImage("with a list of referrers");
    await pushImage(ask, "put/fallback", image);
    const tag = image.manifest.descriptor.digest.replace(":", "-");
    const list = indexOf(image.manifest);
    await pushManifest(ask, "put/fallback", list, tag);
    expectAnswer(await ask("GET", `put/fallback/manifests/${tag}`), { status: 200, body: list.bytes });
    expectAnswer(await ask("GET", "put/fallback/tags/list"), { status: 200, json: { tags: [tag] } });
  },
  "end-7-artifact": async ({ ask }) => {
    const empty = Buffer.from("{}");
    const digest = await pushBlob(ask, "put/artifact", empty);
    const { bytes, descriptor } = blob(
      mediaTypes.oci.manifest,
      encodeJson({
        schemaVersion: 2,
        mediaType: mediaTypes.oci.manifest,
        artifactType: "application/vnd.example.chart",
        config: { mediaType: "application/vnd.oci.empty.v1+json", digest, size: 2 },
        layers: [{ mediaType: "application/vnd.example.chart", digest, size: 2 }],
      }),
    );
    await put(ask, "put/artifact/manifests/1", bytes, descriptor.mediaType, { status: 201 });
  },
  "end-7-parameters": async ({ ask }) => {
    const image = await tinyImage("with parameters");
    await pushImage(ask, "put/parameters", image);
    const { mediaType } = image.manifest.descriptor;
    const path = "put/parameters/manifests/1";
    await put(ask, path, image.manifest.bytes, `${mediaType}; charset=utf-8`, { status: 201 });
    expectAnswer(await ask("HEAD", path), { status: 200, headers: { "content-type": mediaType } });
  },
  "end-7-largest": async ({ ask }) => {
    const bytes = await manifestOfSize(ask, "put/largest", limit);
    await put(ask, "put/largest/manifests/1", bytes, mediaTypes.oci.manifest, { status: 201 });
    expectAnswer(await ask("GET", "put/largest/manifests/1"), { status: 200, body: bytes });
  },
  "end-7-too-large": async ({ ask }) => {
    const bytes = await manifestOfSize(ask, "put/too-large", limit + 1);
    const expected = { status: 413, code: "MANIFEST_INVALID" };
    await put(ask, "put/too-large/manifests/1", bytes, mediaTypes.oci.manifest, expected);
  },
  "end-7-invalid": refused("{", mediaTypes.oci.manifest, invalid),
  "end-7-invalid--type-contradicted": refused(
    JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.oci.index, manifests: [] }),
    mediaTypes.oci.manifest,
    invalid,
  ),
  "end-7-invalid--no-manifest-type": refused("{}", "text/plain", invalid),
  "end-7-invalid--name": async ({ ask, content }) =>
    put(ask, "Put/app/manifests/1", content.image.manifest.bytes, mediaTypes.oci.manifest, {
      status: 400,
      code: "NAME_INVALID",
    }),
  "end-7-invalid--reference": async ({ ask, content }) =>
    put(
      ask,
      `put/app/manifests/${"x".repeat(129)}`,
      content.image.manifest.bytes,
      mediaTypes.oci.manifest,
      invalid,
    ),
};
