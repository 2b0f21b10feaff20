import { type Call, unstoppable } from "../io/call.ts";
import type { HistoryEntry, ImageConfig } from "../model/config.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { ImageLocation } from "../model/location.ts";
import type { ImageManifest } from "../model/manifest.ts";
import { normalizePlatform, type Platform } from "../model/platform.ts";
import { Stores } from "../store/open-stores.ts";
import type { RegistryClientOptions } from "../store/registry/client.ts";
import { editOf } from "./edit-config.ts";
import { type ImageRecord, parseRecord } from "./parse-record.ts";
import { baseKeys, isCreatedHere, recordKeys } from "./record.ts";
import { resolveImage } from "./resolve-image.ts";

/** An image of this project's, and what it says it was made from. */
export interface RecordedComposition {
  readonly location: ImageLocation;
  /** What the reference stands for: an index, or the manifest itself. */
  readonly resolved: Descriptor;
  readonly platform: Platform;
  readonly record: ImageRecord;
  /** Annotations that the plan asked for. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Comment of the new layer's history entry. */
  readonly historyComment: string | undefined;
  /** What `compose-image config` has changed since, which the record does not know. */
  readonly edits: readonly string[];
}

/** Options of {@link readRecord}; those of the registries are among them. */
export interface ReadRecordOptions extends RegistryClientOptions {
  /** Of the image. Default: its only one, else this machine's architecture on linux. */
  readonly platform?: Platform | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads what an image was made from. No layer is read.
 *
 * @throws ComposeImageError `RECORD_NOT_FOUND`, `RECORD_INVALID`; what resolving the image throws.
 */
export async function readRecord(
  location: ImageLocation,
  options: ReadRecordOptions = {},
): Promise<RecordedComposition> {
  const call: Call = options.signal === undefined ? unstoppable : { signal: options.signal };
  await using stores = new Stores(options);
  return await readRecordFrom(stores, location, options.platform, call);
}

/** The same over connections that are there. */
export async function readRecordFrom(
  stores: Stores,
  location: ImageLocation,
  platform: Platform | undefined,
  call: Call,
): Promise<RecordedComposition> {
  const { name, resolved, manifest, config } = await resolveImage(stores, "image", location, platform, call);
  const at = config.history.findLastIndex((entry) => editOf(entry) === undefined);
  const own = config.history[at];
  const record = recordOf(manifest, config, own, name);
  const origin: readonly string[] = [...Object.values(recordKeys), ...Object.values(baseKeys)];
  return {
    location,
    resolved,
    platform: normalizePlatform(config.platform),
    record,
    annotations: Object.fromEntries(
      Object.entries(manifest.annotations).filter(([key]) => !origin.includes(key)),
    ),
    historyComment: own?.comment,
    edits: config.history.slice(at + 1).flatMap((entry) => editOf(entry) ?? []),
  };
}

/** Annotations come first, labels where there are none: those of the docker format, which tools may have converted. */
function recordOf(
  { annotations }: Pick<ImageManifest, "annotations">,
  { execution }: Pick<ImageConfig, "execution">,
  own: HistoryEntry | undefined,
  name: string,
): ImageRecord {
  const record = parseRecord(annotations, name) ?? parseRecord(execution.Labels ?? {}, name);
  if (record === undefined) {
    throw new ComposeImageError("RECORD_NOT_FOUND", `${name} does not say what it was made from`, {
      hint: "It was not made by compose-image, or with --record none, or another tool took its annotations away.",
    });
  }
  if (!isCreatedHere(own?.created_by)) {
    throw new ComposeImageError("RECORD_NOT_FOUND", `${name} has the record of the image it was built on`, {
      hint: "Another tool made it of an image of compose-image's: explain that one.",
    });
  }
  return record;
}
