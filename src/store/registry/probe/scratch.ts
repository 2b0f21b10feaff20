import { randomBytes } from "node:crypto";
import type { Descriptor } from "../../../model/descriptor.ts";
import { digestOf } from "../../../model/digest.ts";
import { encodeJson, encodeManifest } from "../../../model/manifest.ts";
import { mediaTypes } from "../../../model/media-types.ts";
import type { StoredManifest } from "../../source.ts";

/** Some bytes and what they are called. */
export interface ScratchBlob {
  readonly bytes: Uint8Array;
  readonly descriptor: Descriptor;
}

/** Bytes that no registry has, so that uploading them is not spared. */
export function scratchBlob(): ScratchBlob {
  const bytes = Buffer.from(
    `scratch of compose-image doctor, may be removed: ${randomBytes(48).toString("hex")}\n`,
  );
  return {
    bytes,
    descriptor: { mediaType: mediaTypes.oci.layer, digest: digestOf(bytes), size: bytes.byteLength },
  };
}

/** A configuration for an image of one scratch blob. */
export function scratchConfig(layer: ScratchBlob): ScratchBlob {
  const bytes = encodeJson({
    architecture: "amd64",
    os: "linux",
    config: { Labels: { "org.opencontainers.image.title": "scratch of compose-image doctor" } },
    rootfs: { type: "layers", diff_ids: [layer.descriptor.digest] },
    history: [{ created_by: "compose-image doctor" }],
  });
  const descriptor = { mediaType: mediaTypes.oci.config, digest: digestOf(bytes), size: bytes.byteLength };
  return { bytes, descriptor };
}

/** The manifest of an image of one scratch blob, the layer said to be of some type. */
export function scratchManifest(
  kind: "oci" | "docker" | "zstd",
  config: ScratchBlob,
  layer: ScratchBlob,
): StoredManifest {
  const family = kind === "docker" ? "docker" : "oci";
  const layerType = kind === "zstd" ? mediaTypes.oci.layerZstd : mediaTypes[family].layerGzip;
  const bytes = encodeManifest({
    kind: "manifest",
    mediaType: mediaTypes[family].manifest,
    config: { ...config.descriptor, mediaType: mediaTypes[family].config },
    layers: [{ ...layer.descriptor, mediaType: layerType }],
    annotations: {},
  });
  const descriptor = {
    mediaType: mediaTypes[family].manifest,
    digest: digestOf(bytes),
    size: bytes.byteLength,
  };
  return { descriptor, bytes };
}
