import type { FileAspect, FileChange } from "../layers/compare-trees.ts";
import type { FileNode } from "../layers/file-node.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Json } from "../model/json.ts";
import { formatLocation } from "../model/location.ts";
import { formatPlatform } from "../model/platform.ts";
import { visibleText } from "../model/visible-text.ts";
import { type ImageDifference, isEqual } from "../ops/diff-images.ts";
import { layersSize, type ResolvedImage } from "../ops/resolve-image.ts";
import { formatMode, formatTime, nodeDocument, pathDocument, printable, shownPath } from "./file-listing.ts";
import { formatBytes } from "./quantities.ts";

/** What `diff` prints for people; nothing for images that are equal. */
export function describeDifference(difference: ImageDifference): string {
  if (isEqual(difference)) return "";
  const { before, after, config, annotations, files } = difference;
  const said = [
    ...config.map(({ field, key, ...values }) => ({ name: [field, key], values })),
    ...annotations.map(({ key, ...values }) => ({ name: ["annotation", key], values })),
  ];
  return [
    ...[before, after].map((image, i) => `${i === 0 ? "---" : "+++"} ${imageLine(image)}`),
    ...layerLines(difference),
    ...said.flatMap(({ name, values }) =>
      valueLines(
        name.filter((part) => part !== undefined),
        values,
      ),
    ),
    ...files.map(fileLine),
    summaryLine(files),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

function imageLine({ location, resolved, manifest, config }: ResolvedImage): string {
  const size = formatBytes(layersSize(manifest.layers));
  return `${visibleText(formatLocation(location))}  ${resolved.digest}  ${formatPlatform(config.platform)}  ${size}`;
}

function layerLines({ layers: { common, removed, added } }: ImageDifference): string[] {
  const line = (mark: string) => (layer: Descriptor) =>
    `${mark} layer ${layer.digest}  ${formatBytes(layer.size)}`;
  return [
    ...(common > 0 ? [`  ${common} ${common === 1 ? "layer" : "layers"} in common`] : []),
    ...removed.map(line("-")),
    ...added.map(line("+")),
  ];
}

/** What two values of one name are: a line for what was, one for what is. */
export function valueLines(
  name: readonly string[],
  { before, after }: { readonly before?: Json; readonly after?: Json },
): string[] {
  const shown = (value: Json) => (typeof value === "string" ? value : JSON.stringify(value));
  const line = (mark: string, value: Json) => visibleText(`${mark} ${name.join(" ")}=${shown(value)}`);
  return [
    ...(before === undefined ? [] : [line("-", before)]),
    ...(after === undefined ? [] : [line("+", after)]),
  ];
}

function fileLine(change: FileChange): string {
  if (change.change === "added") return `+ ${shownPath(change.path, change.after)}${sizeOf(change.after)}`;
  if (change.change === "removed")
    return `- ${shownPath(change.path, change.before)}${sizeOf(change.before)}`;
  const { path, before, after, aspects } = change;
  return `~ ${shownPath(path, after)}  ${aspects.map((aspect) => aspectText(aspect, before, after)).join(", ")}`;
}

function sizeOf({ attributes: { type }, size }: FileNode): string {
  return type === "file" ? `  ${formatBytes(size)}` : "";
}

function aspectText(aspect: FileAspect, before: FileNode, after: FileNode): string {
  const text = (node: FileNode): string | undefined => {
    const { type, mode, uid, gid, linkname, devmajor, devminor } = node.attributes;
    switch (aspect) {
      case "type":
        return type;
      case "size":
        return formatBytes(node.size);
      case "mode":
        return formatMode(mode);
      case "owner":
        return `${uid}:${gid}`;
      case "target":
        return printable(linkname);
      case "device":
        return `${devmajor},${devminor}`;
      case "time":
        return formatTime(node.mtime);
      default:
        return undefined;
    }
  };
  const [old, current] = [text(before), text(after)];
  // Fractions of seconds are not shown, so the times may look the same.
  return old === undefined || old === current ? aspect : `${aspect} ${old} -> ${current}`;
}

function summaryLine(files: readonly FileChange[]): string {
  const count = (kind: FileChange["change"]): number => files.filter(({ change }) => change === kind).length;
  const bytes = files.reduce((sum, each) => sum + sizeAfter(each) - sizeBefore(each), 0);
  const sign = bytes < 0 ? "-" : "+";
  return `${count("added")} added, ${count("removed")} removed, ${count("changed")} changed; ${sign}${formatBytes(Math.abs(bytes))}`;
}

function sizeBefore(change: FileChange): number {
  return change.change === "added" ? 0 : change.before.size;
}

function sizeAfter(change: FileChange): number {
  return change.change === "removed" ? 0 : change.after.size;
}

/** What `diff --json` prints; `docs/images.md` describes it. Fields may be added, none is renamed or removed. */
export function differenceDocument(difference: ImageDifference): unknown {
  const { before, after, layers, config, annotations, files } = difference;
  return {
    equal: isEqual(difference),
    before: imageDocument(before),
    after: imageDocument(after),
    layers: {
      common: layers.common,
      removed: layers.removed.map(named),
      added: layers.added.map(named),
    },
    config,
    annotations,
    files: files.map((change) => ({
      change: change.change,
      ...pathDocument(change.path),
      ...(change.change === "changed" && { aspects: change.aspects }),
      ...(change.change !== "added" && { before: nodeDocument(change.before) }),
      ...(change.change !== "removed" && { after: nodeDocument(change.after) }),
    })),
  };
}

function imageDocument({ location, resolved, manifest, config }: ResolvedImage): object {
  return {
    reference: formatLocation(location),
    digest: resolved.digest,
    platform: formatPlatform(config.platform),
    layersSize: layersSize(manifest.layers),
  };
}

function named({ digest, mediaType, size }: Descriptor): object {
  return { digest, mediaType, size };
}
