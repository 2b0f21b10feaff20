import { type ImageConfig, parseConfig } from "../model/config.ts";
import { type Descriptor, describeBytes } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import type { JsonObject } from "../model/json.ts";
import { encodeJson } from "../model/manifest.ts";
import { familyOf } from "../model/media-types.ts";
import type { Platform } from "../model/platform.ts";
import { rewriteManifest } from "../model/rewrite-manifest.ts";
import { type BuildpacksMetadata, rebasedLabels } from "./buildpacks.ts";
import { type ConfigDifference, compareConfigs, compareMaps, type MapDifference } from "./compare-configs.ts";
import { recordedSettings } from "./composed-layers.ts";
import { formatSeconds } from "./created-time.ts";
import { layerInFamily } from "./derive-manifest.ts";
import { blobsOf, treePlatform, withNewConfig } from "./edit-tree.ts";
import type { TreeImage } from "./image-tree.ts";
import { mergeConfigs } from "./merge-configs.ts";
import type { OldBase } from "./old-base.ts";
import type { ImageToPush } from "./push-image.ts";
import { rebasedHistory } from "./rebase-history.ts";
import { rebasedAnnotations } from "./rebased-annotations.ts";
import type { ResolvedImage } from "./resolve-image.ts";

/** One platform's image on its new base. */
export interface RebasedImage {
  readonly platform: Platform;
  /** The manifest's digest. */
  readonly before: Digest;
  readonly after: Digest;
  /** Absent where it is not to be had. */
  readonly oldBase: ResolvedImage | undefined;
  readonly newBase: ResolvedImage;
  /** Layers of the application, and of both bases. */
  readonly kept: readonly Descriptor[];
  /** Layers of the old base that the new one has not. */
  readonly dropped: readonly Descriptor[];
  /** Layers of the new base that the old one had not. */
  readonly added: readonly Descriptor[];
  readonly config: readonly ConfigDifference[];
  readonly annotations: readonly MapDifference[];
}

/**
 * Makes configuration and manifest of an application on its new base.
 *
 * @throws ComposeImageError `FORMAT_UNSUPPORTED` for a layer of the new base that the application's format cannot name.
 */
export function putOnBase(
  application: ResolvedImage,
  image: TreeImage,
  oldBase: OldBase,
  newBase: ResolvedImage,
  sourceDateEpoch: number | undefined,
): { readonly facts: RebasedImage; readonly toPush: ImageToPush } {
  const { manifest, config, stored } = image;
  const { mediaType } = manifest;
  const family = familyOf(mediaType);
  const { layerCount } = oldBase;
  const document = rebasedConfig(application, image, oldBase, newBase, sourceDateEpoch);
  const configBytes = encodeJson(document);
  const configDescriptor = describeBytes(manifest.config.mediaType, configBytes);
  const annotations =
    family === "docker"
      ? manifest.annotations
      : rebasedAnnotations(manifest.annotations, newBase, oldBase.buildpacks === undefined);
  const baseLayers = newBase.manifest.layers.map((layer) => layerInFamily(layer, family, newBase.name));
  const ownLayers = manifest.layers.slice(layerCount);
  const manifestBytes = rewriteManifest(stored.bytes, {
    config: configDescriptor,
    bottomLayers: { count: layerCount, by: baseLayers },
    annotations,
  });
  const layers = [...blobsOf(newBase.source, baseLayers), ...blobsOf(application.source, ownLayers)];
  const toPush = withNewConfig(layers, configDescriptor, configBytes, mediaType, manifestBytes);
  const [oldIds, newIds] = [config.diffIds.slice(0, layerCount), newBase.config.diffIds];
  return {
    facts: {
      platform: treePlatform(image),
      before: stored.descriptor.digest,
      after: toPush.manifest.descriptor.digest,
      oldBase: oldBase.image,
      newBase,
      kept: [...baseLayers.filter((_, i) => oldIds.includes(idAt(newIds, i))), ...ownLayers],
      dropped: manifest.layers.slice(0, layerCount).filter((_, i) => !newIds.includes(idAt(oldIds, i))),
      added: baseLayers.filter((_, i) => !oldIds.includes(idAt(newIds, i))),
      config: compareConfigs(config, parseConfig(configBytes, application.name)),
      annotations: compareMaps({ ...manifest.annotations }, { ...annotations }),
    },
    toPush,
  };
}

function idAt(diffIds: readonly Digest[], position: number): Digest {
  const diffId = diffIds[position];
  if (diffId === undefined) throw new RangeError(`no layer ${position}`);
  return diffId;
}

function rebasedConfig(
  application: ResolvedImage,
  image: TreeImage,
  { image: oldBase, layerCount, buildpacks }: OldBase,
  newBase: ResolvedImage,
  sourceDateEpoch: number | undefined,
): JsonObject {
  const { config } = image;
  // Who does not know what the old base said cannot tell whose a setting is: all of it is the application's then.
  const document: JsonObject =
    oldBase === undefined
      ? { ...config.document, config: config.execution }
      : mergeConfigs(
          { oldBase: oldBase.config, application: config, newBase: newBase.config },
          recordedSettings(image),
        );
  const merged = parseConfig(encodeJson(document), application.name).execution;
  const labels = labelsOnBase(merged.Labels ?? {}, image, buildpacks, newBase);
  const created =
    sourceDateEpoch === undefined ? laterTime(config, newBase.config) : formatSeconds(sourceDateEpoch);
  return {
    ...document,
    ...(created !== undefined && { created }),
    config: { ...merged, ...(Object.keys(labels).length > 0 && { Labels: labels }) },
    rootfs: { type: "layers", diff_ids: [...newBase.config.diffIds, ...config.diffIds.slice(layerCount)] },
    history: rebasedHistory(config, layerCount, oldBase?.config, newBase.config),
  };
}

/** Labels of buildpacks say what the run image is; in Docker's format labels name the base, too. */
function labelsOnBase(
  labels: Readonly<Record<string, string>>,
  { manifest }: TreeImage,
  buildpacks: BuildpacksMetadata | undefined,
  newBase: ResolvedImage,
): Readonly<Record<string, string>> {
  if (buildpacks !== undefined) return rebasedLabels(labels, buildpacks, newBase);
  return familyOf(manifest.mediaType) === "oci" ? labels : rebasedAnnotations(labels, newBase, true);
}

function laterTime(application: ImageConfig, newBase: ImageConfig): string | undefined {
  const times = [application.created, newBase.created].filter(
    (time) => time !== undefined && !Number.isNaN(Date.parse(time)),
  );
  return times.reduce(
    (latest, time) => (latest === undefined || Date.parse(time ?? "") > Date.parse(latest) ? time : latest),
    undefined,
  );
}
