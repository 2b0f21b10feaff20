import type { LayerOutline, OutlineEntry } from "../layers/layer-outline.ts";
import type { Owner } from "../layers/owner.ts";
import type { Digest } from "../model/digest.ts";
import { isJsonObject, isStringList, type JsonObject, jsonOf } from "../model/json.ts";
import { recordKeys } from "./record.ts";

/**
 * What a composed layer has from the base that it was made on, so that another base can be compared with it without the
 * layer.
 */
export interface LayerGround {
  readonly outline: LayerOutline;
  /** What the base made of the owners that steps give by name, in the steps' order. */
  readonly owners: readonly Owner[];
}

/** Most characters of the text: what is longer is left out. */
const maxTextLength = 4096;

/** The annotation or label; none where it would be long. */
export function groundAnnotation(layer: Digest, ground: LayerGround | undefined): Record<string, string> {
  if (ground === undefined) return {};
  const entries = ground.outline.map((entry): [string, string] => [entry.path, entryText(entry)]);
  const owners = ground.owners.map(ownerText);
  const text = JSON.stringify({
    layer,
    entries: Object.fromEntries(entries),
    ...(owners.length > 0 && { owners }),
  });
  return text.length > maxTextLength ? {} : { [recordKeys.ground]: text };
}

/**
 * What an image says of a layer.
 *
 * @param said the image's annotations, or labels.
 * @returns `undefined` where it says nothing of this layer, or something unknown.
 */
export function recordedGround(
  said: Readonly<Record<string, string>>,
  layer: Digest | undefined,
): LayerGround | undefined {
  const record = jsonOf(said[recordKeys.ground]);
  if (!isJsonObject(record) || layer === undefined || record.layer !== layer) return undefined;
  const { entries, owners = [] } = record;
  if (!isJsonObject(entries) || !isStringList(owners)) return undefined;
  const outline = Object.entries(entries).map(([path, text]) => entryOf(path, text));
  const read = owners.map(ownerOf);
  if (!outline.every((entry) => entry !== undefined) || !read.every((owner) => owner !== undefined))
    return undefined;
  return { outline, owners: read };
}

function entryText({ type, mode, uid, gid, isClosed }: OutlineEntry): string {
  if (type !== "directory") return type;
  return `${mode.toString(8).padStart(4, "0")} ${ownerText({ uid, gid })}${isClosed ? " closed" : ""}`;
}

function entryOf(path: string, text: JsonObject[string]): OutlineEntry | undefined {
  if (typeof text !== "string" || !/^(?:\/(?!\.{1,2}(?:\/|$))[^/]+)+$/.test(path)) return undefined;
  switch (text) {
    case "file":
    case "symlink":
    case "hardlink":
    case "character":
    case "block":
    case "fifo":
      return { path, type: text, mode: 0, uid: 0, gid: 0, isClosed: false };
  }
  const [, mode, owner, closed] = /^([0-7]{4}) (\d+:\d+)( closed)?$/.exec(text) ?? [];
  const read = owner === undefined ? undefined : ownerOf(owner);
  if (mode === undefined || read === undefined) return undefined;
  const isClosed = closed !== undefined;
  return { path, type: "directory", mode: Number.parseInt(mode, 8), ...read, isClosed };
}

function ownerText({ uid, gid }: Owner): string {
  return `${uid}:${gid}`;
}

function ownerOf(text: string): Owner | undefined {
  const [, uid, gid] = /^(\d+):(\d+)$/.exec(text) ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}
