import { digestOf } from "../../src/model/digest.ts";
import type { Json, JsonObject } from "../../src/model/json.ts";
import { mediaTypes } from "../../src/model/media-types.ts";
import { mutateBytes } from "./mutate.ts";
import type { Random } from "./random.ts";

const digest = digestOf(Buffer.from("content"));
const platform = {
  os: "linux",
  architecture: "amd64",
  variant: "v2",
  "os.version": "1",
  "os.features": ["a"],
};
export const descriptor: JsonObject = {
  mediaType: mediaTypes.oci.layerGzip,
  digest,
  size: 7,
  urls: ["https://storage.example/layer"],
  annotations: { key: "value" },
  platform,
  artifactType: "application/x",
  data: "Y29udGVudA==",
};
export const manifest: JsonObject = {
  schemaVersion: 2,
  mediaType: mediaTypes.oci.manifest,
  config: { mediaType: mediaTypes.oci.config, digest, size: 7 },
  layers: [descriptor, descriptor],
  annotations: { key: "value" },
};
export const index: JsonObject = {
  schemaVersion: 2,
  mediaType: mediaTypes.docker.index,
  manifests: [
    { mediaType: mediaTypes.docker.manifest, digest, size: 7, platform },
    {
      mediaType: mediaTypes.docker.manifest,
      digest,
      size: 7,
      platform: { os: "linux", architecture: "arm64" },
    },
  ],
};
export const config: JsonObject = {
  created: "2026-01-02T03:04:05Z",
  os: "linux",
  architecture: "arm",
  variant: "v7",
  config: {
    ...{ Env: ["A=b"], Labels: { a: "b" }, Entrypoint: ["/x"], Cmd: ["y"], WorkingDir: "/w", User: "1:2" },
    ...{ ExposedPorts: { "80/tcp": {} }, Volumes: { "/v": {} }, StopSignal: "TERM" },
  },
  rootfs: { type: "layers", diff_ids: [digest] },
  history: [{ created_by: "x" }, { empty_layer: true }],
};

/** Deeper than a call stack. */
const abyss = "[".repeat(90_000) + "]".repeat(90_000);

/** The document as bytes, some of its values replaced, and now and then some bytes. */
export function jsonInput(random: Random, document: JsonObject): Buffer {
  const copy = structuredClone(document);
  for (let times = random.below(4); times > 0; times -= 1) mutateValue(random, copy);
  let text = JSON.stringify(copy);
  if (random.percent(5)) text = text.replace("{", `{"a":${"[".repeat(400)}${"]".repeat(400)},`);
  if (random.below(500) === 0) text = text.replace("{", `{"a":${abyss},`);
  if (random.percent(10))
    text = text.replace("{", `{"${random.pick(Object.keys(document))}":${JSON.stringify(oddValue(random))},`);
  const bytes = Buffer.from(text);
  return random.percent(15) ? mutateBytes(random, bytes) : bytes;
}

/** Replaces, removes or adds a value somewhere in the document. */
function mutateValue(random: Random, top: JsonObject): void {
  let at: JsonObject | Json[] = top;
  for (;;) {
    const keys: string[] = Object.keys(at);
    const key: string = random.percent(10)
      ? random.pick(["__proto__", "constructor", "extra"])
      : (random.pick([...keys, "x"]) ?? "x");
    const value: Json | undefined = Object.hasOwn(at, key) ? (at as JsonObject)[key] : undefined;
    if (typeof value === "object" && value !== null && random.percent(70)) {
      at = value;
      continue;
    }
    if (Array.isArray(at) && random.percent(40)) at.push(at.length > 0 ? (at[0] ?? null) : oddValue(random));
    else if (random.percent(15)) delete (at as JsonObject)[key];
    else
      Object.defineProperty(at, key, {
        value: oddValue(random),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    return;
  }
}

function oddValue(random: Random): Json {
  return random.pick<Json>([
    ...[null, true, 0, -1, 1.5, 1e300, 2 ** 53, 2 ** 41, 7, "", "x", "\0", "\u001b[2J", "x".repeat(5000)],
    ...[
      [],
      {},
      ["a"],
      [[]],
      [null],
      { a: 1 },
      digest,
      digest.toUpperCase(),
      "md5:00",
      "sha256:../../etc/passwd",
    ],
    ...Object.values(mediaTypes.oci),
    ...Object.values(mediaTypes.docker),
  ]);
}
