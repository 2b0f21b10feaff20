import { type Digest, isDigest } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import { isJsonObject, isStringList, type JsonObject, jsonOf } from "../model/json.ts";
import { formatLocation, parseLocation, type RegistryLocation } from "../model/location.ts";
import type { ResolvedImage } from "./resolve-image.ts";

/**
 * The label in which buildpacks say what an image was made of.
 *
 * @see https://github.com/buildpacks/spec/blob/main/platform.md#iobuildpackslifecyclemetadata-json
 */
const metadataLabel = "io.buildpacks.lifecycle.metadata";

/** Says `false` where an image must not be rebased. */
export const rebasableLabel = "io.buildpacks.rebasable";

/** Labels that an application has to have in common with what it runs on. */
const targetLabels = [
  "io.buildpacks.base.distro.name",
  "io.buildpacks.base.distro.version",
  "io.buildpacks.stack.id",
] as const;

/** Labels of an application that are its run image's, whatever it says itself. */
const runImageLabels = /^io\.buildpacks\.(?:stack|base)\./;

/** An image's labels. */
type Labels = Readonly<Record<string, string>>;

/** What buildpacks say of the image that an application runs on. */
export interface BuildpacksMetadata {
  readonly document: JsonObject;
  /** Digest of the uncompressed layer that is the run image's uppermost. */
  readonly topLayer: Digest;
  /** Where the run image is; absent where the label names none that can be read. */
  readonly runImage: RegistryLocation | undefined;
}

/**
 * Reads the label; `undefined` where there is none.
 *
 * @param name the image, for messages.
 * @throws ComposeImageError `CONFIG_INVALID` for one that is damaged.
 */
export function buildpacksMetadata(labels: Labels, name: string): BuildpacksMetadata | undefined {
  const text = labels[metadataLabel];
  if (text === undefined) return undefined;
  const document = jsonOf(text);
  const runImage = isJsonObject(document) ? document.runImage : undefined;
  const topLayer = isJsonObject(runImage) ? runImage.topLayer : undefined;
  if (!isJsonObject(document) || !isJsonObject(runImage) || !isDigest(topLayer)) {
    throw new ComposeImageError("CONFIG_INVALID", `${name}: the label ${metadataLabel} names no top layer`, {
      hint: "Build the image again with a current lifecycle, or name its base with --old-base.",
    });
  }
  return { document, topLayer, runImage: locationOf(runImage.reference) };
}

/** Whether an application is marked as not to be rebased. */
export function forbidsRebase(labels: Labels): boolean {
  return labels[rebasableLabel] === "false";
}

/** In what an application's run image and its new base must agree and do not; `undefined` where they do. */
export function targetDifference(labels: Labels, newLabels: Labels): string | undefined {
  const differing = targetLabels.find(
    (key) => labels[key] !== undefined && newLabels[key] !== undefined && labels[key] !== newLabels[key],
  );
  return (
    differing && `its label ${differing} is ${labels[differing]}, the new base's ${newLabels[differing]}`
  );
}

/** The labels of an application on its new base. */
export function rebasedLabels(
  labels: Labels,
  { document }: BuildpacksMetadata,
  newBase: ResolvedImage,
): Record<string, string> {
  const { diffIds, execution } = newBase.config;
  const { location } = newBase;
  const isPublic = location.transport === "registry";
  const repository = isPublic ? `${location.reference.registry}/${location.reference.repository}` : "";
  const own = isJsonObject(document.runImage) ? document.runImage : {};
  const runImage: JsonObject = {
    ...own,
    topLayer: diffIds.at(-1) ?? "",
    reference: isPublic ? `${repository}@${newBase.resolved.digest}` : newBase.resolved.digest,
    // The names that later rebases take the run image from.
    ...(isPublic &&
      own.image !== undefined &&
      !namesOf(own).includes(repository) && { image: formatLocation(location), mirrors: [] }),
  };
  const taken = Object.entries(execution.Labels ?? {}).filter(([key]) => runImageLabels.test(key));
  return {
    ...labels,
    ...Object.fromEntries(taken),
    [metadataLabel]: JSON.stringify({ ...document, runImage }),
  };
}

/** The repositories that a run image is said to be in. */
function namesOf({ image, mirrors }: JsonObject): string[] {
  const names = [image, ...(isStringList(mirrors) ? mirrors : [])];
  return names.flatMap((name) => {
    const location = locationOf(name);
    return location === undefined ? [] : [`${location.reference.registry}/${location.reference.repository}`];
  });
}

/** An image has no say in what is on this machine: only registries count. */
function locationOf(text: unknown): RegistryLocation | undefined {
  if (typeof text !== "string" || text === "" || isDigest(text)) return undefined;
  try {
    const location = parseLocation(text);
    return location.transport === "registry" ? location : undefined;
  } catch {
    return undefined;
  }
}
