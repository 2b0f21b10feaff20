import type { Call } from "../io/call.ts";
import { type ImageConfig, scratchConfig } from "../model/config.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { type Digest, digestOf } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import { encodeJson, encodeManifest } from "../model/manifest.ts";
import { familyOf, type MediaTypeFamily, mediaTypes } from "../model/media-types.ts";
import type { Platform } from "../model/platform.ts";
import type { ComposePlan } from "../plan/compose-plan.ts";
import type { StoredManifest } from "../store/source.ts";
import type { GroundedLayer } from "./build-layer.ts";
import { createdTime } from "./created-time.ts";
import { deriveConfig } from "./derive-config.ts";
import { layerInFamily, newLayerMediaType } from "./derive-manifest.ts";
import { type ExpandedStage, expandStage } from "./expand-stage.ts";
import { groundAnnotation } from "./layer-ground.ts";
import type { ImageBlob, ImageToPush } from "./push-image.ts";
import { baseAnnotations, createdBy, recordAnnotations } from "./record.ts";
import { originImages, type PlanImages } from "./resolve-plan.ts";

/** The image as it was made. */
export interface ComposedImage {
  readonly platform: Platform;
  /** Of the manifest. */
  readonly descriptor: Descriptor;
  readonly config: Descriptor;
  readonly layer: Descriptor;
  /** Digest of the new layer's uncompressed tar. */
  readonly diffId: Digest;
  /** Entries of the new layer. */
  readonly layerEntries: number;
  /** Bytes of the new layer's tar. */
  readonly layerTarSize: number;
}

/** What is known of the composed image before a layer is read. */
export interface KnownParts {
  readonly family: MediaTypeFamily;
  /** Media type of the new layer. */
  readonly layerType: string;
  readonly baseConfig: ImageConfig;
  /** The plan's own stage. */
  readonly stage: ExpandedStage;
  readonly baseLayers: readonly ImageBlob[];
}

/** What is composed for one platform. */
export interface Composition {
  /** The plan for this platform alone: its image is the one that plan makes. */
  readonly plan: ComposePlan;
  /** As an index names it. */
  readonly platform: Platform;
  readonly images: PlanImages;
  readonly parts: KnownParts;
}

/**
 * What the plan and the base decide.
 *
 * @throws ComposeImageError `FORMAT_UNSUPPORTED` for annotations in the docker format, or a layer it cannot name, the new
 *   one too; as `expandStage` does.
 */
export function describeParts(plan: ComposePlan, { base, platform }: PlanImages): KnownParts {
  const family = plan.format ?? (base === undefined ? "oci" : familyOf(base.manifest.mediaType));
  if (family === "docker" && Object.keys(plan.annotations).length > 0) {
    throw new ComposeImageError("FORMAT_UNSUPPORTED", "manifests in the docker format have no annotations", {
      hint: "Compose with --format oci, or use --label.",
    });
  }
  const layerType = newLayerMediaType(family, plan.compression.algorithm);
  const baseConfig = base?.config ?? scratchConfig(platform);
  const stage = expandStage(plan, baseConfig);
  if (base === undefined) return { family, layerType, baseConfig, stage, baseLayers: [] };
  return {
    family,
    layerType,
    baseConfig,
    stage,
    baseLayers: base.manifest.layers.map((layer) => ({
      descriptor: layerInFamily(layer, family, base.name),
      open: (call: Call) => base.source.fetch(layer, call),
      mountFrom: base.source.mountOrigin,
    })),
  };
}

/** Puts configuration and manifest around the new layer. */
export function assembleImage(
  { plan, platform, images, parts }: Composition,
  layer: GroundedLayer,
): { image: ComposedImage; toPush: ImageToPush } {
  const { base } = images;
  const { family, layerType, baseConfig, stage, baseLayers } = parts;
  const origin = {
    ...baseAnnotations(base),
    ...(plan.record === "annotations" && recordAnnotations(plan, images, family)),
    ...(plan.record === "annotations" && groundAnnotation(layer.diffId, layer.ground)),
  };
  const { config, copies } = stage;
  const changes = family === "docker" ? { ...config, labels: { ...origin, ...config.labels } } : config;
  const configBytes = encodeJson(
    deriveConfig(baseConfig, changes, {
      diffId: layer.diffId,
      created: createdTime(plan, base, originImages(images)),
      createdBy: createdBy(copies),
      comment: plan.historyComment,
    }),
  );
  const layerDescriptor: Descriptor = {
    mediaType: layerType,
    digest: layer.digest,
    size: layer.size,
  };
  const configDescriptor = describe(mediaTypes[family].config, configBytes);
  const manifestBytes = encodeManifest({
    kind: "manifest",
    mediaType: mediaTypes[family].manifest,
    config: configDescriptor,
    layers: [...baseLayers.map(({ descriptor }) => descriptor), layerDescriptor],
    annotations: family === "docker" ? {} : { ...origin, ...plan.annotations },
  });
  const manifest: StoredManifest = {
    descriptor: describe(mediaTypes[family].manifest, manifestBytes),
    bytes: manifestBytes,
  };
  return {
    image: {
      platform,
      descriptor: manifest.descriptor,
      config: configDescriptor,
      layer: layerDescriptor,
      diffId: layer.diffId,
      layerEntries: layer.entries,
      layerTarSize: layer.tarSize,
    },
    toPush: {
      layers: [...baseLayers, { descriptor: layerDescriptor, open: layer.open, mountFrom: undefined }],
      config: {
        descriptor: configDescriptor,
        open: () => Promise.resolve(once(configBytes)),
        mountFrom: undefined,
      },
      manifest,
    },
  };
}

function describe(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
