import { digestOf } from "../../../src/model/digest.ts";
import { type Expected, expectAnswer } from "./ask.ts";
import type { Cases, Scene } from "./scene.ts";

const unknown = digestOf(Buffer.from("unknown"));

/** A case of one request. */
function one(method: string, path: (scene: Scene) => string, expected: (scene: Scene) => Expected) {
  return async (scene: Scene): Promise<void> =>
    expectAnswer(await scene.ask(method, path(scene)), expected(scene));
}

const layer = ({ content }: Scene) => content.image.layer;
const layerPath = (scene: Scene) => `team/app/blobs/${layer(scene).descriptor.digest}`;

function range(header: string, expected: (size: number) => { start: number; end: number }) {
  return async (scene: Scene): Promise<void> => {
    const { bytes } = layer(scene);
    const { start, end } = expected(bytes.byteLength);
    expectAnswer(await scene.ask("GET", layerPath(scene), { headers: { Range: header } }), {
      status: 206,
      headers: {
        "content-range": `bytes ${start}-${end}/${bytes.byteLength}`,
        "content-length": String(end + 1 - start),
      },
      body: bytes.subarray(start, end + 1),
    });
  };
}

function manifest(method: string, reference: (scene: Scene) => string) {
  return async (scene: Scene): Promise<void> => {
    const { descriptor, bytes } = scene.content.image.manifest;
    expectAnswer(await scene.ask(method, `team/app/manifests/${reference(scene)}`), {
      status: 200,
      headers: {
        "content-type": descriptor.mediaType,
        "docker-content-digest": descriptor.digest,
        "content-length": String(descriptor.size),
      },
      body: method === "GET" ? bytes : Buffer.alloc(0),
    });
  };
}

const version = { status: 200, headers: { "docker-distribution-api-version": "registry/2.0" } };
const missingManifest = { status: 404, code: "MANIFEST_UNKNOWN" };

export const pullCases: Cases = {
  "end-1": one(
    "GET",
    () => "/v2/",
    () => version,
  ),
  "end-2-get": one("GET", layerPath, (scene) => ({
    status: 200,
    headers: {
      "docker-content-digest": layer(scene).descriptor.digest,
      "content-length": String(layer(scene).descriptor.size),
      "content-type": "application/octet-stream",
      "accept-ranges": "bytes",
    },
    body: layer(scene).bytes,
  })),
  "end-2-head": one("HEAD", layerPath, (scene) => ({
    status: 200,
    headers: {
      "docker-content-digest": layer(scene).descriptor.digest,
      "content-length": String(layer(scene).descriptor.size),
    },
    body: Buffer.alloc(0),
  })),
  "end-2-unknown": one(
    "GET",
    () => `team/app/blobs/${unknown}`,
    () => ({ status: 404, code: "BLOB_UNKNOWN" }),
  ),
  "end-2-unknown--head": one(
    "HEAD",
    () => `team/app/blobs/${unknown}`,
    () => ({ status: 404 }),
  ),
  "end-2-other-repository": one(
    "GET",
    ({ content }) => `other/blobs/${content.image.layer.descriptor.digest}`,
    () => ({ status: 404, code: "BLOB_UNKNOWN" }),
  ),
  "end-2-malformed": one(
    "GET",
    () => "team/app/blobs/sha256:short",
    () => ({ status: 400, code: "DIGEST_INVALID" }),
  ),
  "end-2-range": range("bytes=10-19", () => ({ start: 10, end: 19 })),
  "end-2-range--open": range("bytes=20-", (size) => ({ start: 20, end: size - 1 })),
  "end-2-range--suffix": range("bytes=-5", (size) => ({ start: size - 5, end: size - 1 })),
  "end-2-range-outside": async (scene) => {
    const { size } = layer(scene).descriptor;
    expectAnswer(await scene.ask("GET", layerPath(scene), { headers: { Range: `bytes=${size}-` } }), {
      status: 416,
      headers: { "content-range": `bytes */${size}` },
    });
  },
  "end-3-tag": manifest("GET", () => "1"),
  "end-3-digest": manifest("GET", ({ content }) => content.image.manifest.descriptor.digest),
  "end-3-head": manifest("HEAD", () => "1"),
  "end-3-head--digest": manifest("HEAD", ({ content }) => content.image.manifest.descriptor.digest),
  "end-3-index": one(
    "GET",
    () => "team/app/manifests/multi",
    ({ content: { index } }) => ({
      status: 200,
      headers: {
        "content-type": index.descriptor.mediaType,
        "docker-content-digest": index.descriptor.digest,
      },
      body: index.bytes,
    }),
  ),
  "end-3-index--child": one(
    "GET",
    ({ content }) => `team/app/manifests/${content.child.manifest.descriptor.digest}`,
    ({ content }) => ({ status: 200, body: content.child.manifest.bytes }),
  ),
  "end-3-unknown": one(
    "GET",
    () => "team/app/manifests/none",
    () => missingManifest,
  ),
  "end-3-unknown--digest": one(
    "GET",
    () => `team/app/manifests/${unknown}`,
    () => missingManifest,
  ),
  "end-3-unknown--name": one(
    "GET",
    () => "nobody/manifests/1",
    () => missingManifest,
  ),
  "end-3-unknown--head": one(
    "HEAD",
    () => "team/app/manifests/none",
    () => ({ status: 404 }),
  ),
  "end-3-other-repository": one(
    "GET",
    ({ content }) => `other/manifests/${content.image.manifest.descriptor.digest}`,
    () => missingManifest,
  ),
  "name-malformed": one(
    "GET",
    () => "Team/app/manifests/1",
    () => ({ status: 400, code: "NAME_INVALID" }),
  ),
  "path-unknown": one(
    "GET",
    () => "team/app/layers/1",
    () => ({ status: 404, code: "NAME_UNKNOWN" }),
  ),
  "method-unknown": one(
    "POST",
    () => "/v2/",
    () => ({ status: 405, code: "UNSUPPORTED", headers: { allow: "GET, HEAD" } }),
  ),
  "headers-too-large": async ({ ask }) => {
    const headers = { "X-Long": "x".repeat(20_000) };
    expectAnswer(await ask("GET", "/v2/", { headers }), { status: 431 });
    expectAnswer(await ask("GET", "/v2/"), version);
  },
};
