import {
  type MirroredImage,
  type MirrorFault,
  nameAt,
  sourceRepository,
} from "../../mirror/mirror-outcome.ts";
import type { MirrorResult } from "../../mirror/run-mirror.ts";
import { ComposeImageError } from "../../model/errors.ts";
import type { Json } from "../../model/json.ts";
import { visibleJson, visibleText } from "../../model/visible-text.ts";
import { generalHints } from "../general-hints.ts";
import { formatBytes, formatDuration } from "../quantities.ts";
import type { OutputFlags } from "../shared-options.ts";
import type { Terminal } from "../terminal.ts";

/** Most images that are named where several failed for one reason. */
const maxNamed = 10;

/**
 * Prints what a run did.
 *
 * @param isOutputTaken whether standard output has got an archive; then there is room for nothing else.
 * @returns the failure that the command ends with.
 */
export function tellMirrored(
  result: MirrorResult,
  { quiet, json, isOutputTaken = false }: OutputFlags & { readonly isOutputTaken?: boolean },
  terminal: Terminal,
): ComposeImageError | undefined {
  const failure = mirrorFailure(result);
  const { error: only, subjects = [] } = groupsOf(result.faults)[0] ?? {};
  // What the command ends with is told then.
  const isTold = failure === only && subjects.length === 1;
  if (!isTold) terminal.writeError(groupsOf(result.faults).map(describeFaults).join(""));
  if (!quiet) terminal.writeError(summarizeMirror(result));
  if (json) terminal.write(`${visibleJson(mirrorDocument(result))}\n`);
  else {
    const isForecast = result.forecast !== undefined;
    const shown = isForecast ? result.images.filter(({ isMoved }) => isMoved) : result.images;
    const lines = shown.map((image) => `${mirroredName(result.target, image)}\n`).join("");
    if (!isOutputTaken) terminal.write(lines);
    else if (!quiet) terminal.writeError(lines);
  }
  return failure;
}

/** What a person wants to know at the end. */
function summarizeMirror(result: MirrorResult): string {
  const { images, faults, manifests, figures, forecast } = result;
  const { downloadedBytes, uploadedBlobs, mountedBlobs, presentBlobs, elapsedMs } = figures;
  const moved = images.filter(({ isMoved }) => isMoved).length;
  const referrers = new Set(images.flatMap((image) => image.referrers)).size;
  const rows: (readonly [string, string])[] = [];
  if (forecast !== undefined) {
    const { copiedBytes, copiedBlobs, mountedBytes } = forecast;
    const mounted = `${formatBytes(mountedBytes)} would be mounted`;
    rows.push(["would copy", `${formatBytes(copiedBytes)} with ${copiedBlobs} blobs; ${mounted}`]);
    rows.push(["would move", `${moved} of ${images.length} images`]);
  } else {
    rows.push([
      "images",
      `${moved} copied, ${images.length - moved} the same before, ${faults.length} failed`,
    ]);
    rows.push(["manifests", `${manifests.written} written, ${manifests.present} already there`]);
    if (uploadedBlobs + mountedBlobs + presentBlobs > 0) {
      rows.push(["blobs", `${uploadedBlobs} sent, ${mountedBlobs} mounted, ${presentBlobs} already there`]);
    }
    rows.push(["read", formatBytes(downloadedBytes)]);
  }
  rows.push(["referrers", String(referrers)]);
  rows.push(["time", formatDuration(elapsedMs)]);
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join("");
}

/** What failed for one and the same reason. */
interface FaultGroup {
  readonly error: ComposeImageError;
  readonly subjects: string[];
}

function groupsOf(faults: readonly MirrorFault[]): FaultGroup[] {
  const groups = new Map<ComposeImageError, FaultGroup>();
  for (const { subject, error } of faults) {
    const group = groups.get(error) ?? { error, subjects: [] };
    groups.set(error, group);
    group.subjects.push(subject);
  }
  return [...groups.values()];
}

/** Failures as errors are told. */
function describeFaults({ subjects, error }: FaultGroup): string {
  const named = subjects.slice(0, maxNamed).map(visibleText).join(", ");
  const more = subjects.length > maxNamed ? ` and ${subjects.length - maxNamed} more` : "";
  const hint = error.hint ?? generalHints[error.code];
  return `failed: ${named}${more}: ${error.message} [${error.code}]\n  hint: ${hint}\n`;
}

/** `registry/prefix/repository:tag@sha256:…`. */
function mirroredName(target: string, { image, descriptor }: MirroredImage): string {
  const tag = image.tag === undefined ? "" : `:${image.tag}`;
  return `${nameAt(target, image.target)}${tag}@${descriptor.digest}`;
}

/** What `--json` prints. */
function mirrorDocument(result: MirrorResult): { [key: string]: Json } {
  const { target, images, faults, manifests, figures, forecast } = result;
  return {
    target,
    images: images.map(({ image, descriptor, isMoved, referrers }) => ({
      source: sourceRepository(image),
      repository: image.target,
      ...(image.tag !== undefined && { tag: image.tag }),
      mediaType: descriptor.mediaType,
      digest: descriptor.digest,
      size: descriptor.size,
      moved: isMoved,
      referrers: [...referrers],
    })),
    failures: faults.map(({ subject, error: { code, message, hint } }) => ({
      subject,
      code,
      message,
      ...(hint !== undefined && { hint }),
    })),
    manifests: { ...manifests },
    ...(forecast === undefined ? { figures: { ...figures } } : { forecast: { ...forecast } }),
  };
}

/** The error that a run ends with where something failed: the failure itself where it is all there was. */
function mirrorFailure({
  images,
  faults,
}: Pick<MirrorResult, "images" | "faults">): ComposeImageError | undefined {
  const [first] = faults;
  if (first === undefined) return undefined;
  if (images.length === 0 && faults.every(({ error }) => error.code === first.error.code)) return first.error;
  return new ComposeImageError(
    "PARTLY_DONE",
    `${faults.length} of ${images.length + faults.length} could not be mirrored`,
    { hint: "What was done stays; mend what is told above, and run it again: only the rest is copied." },
  );
}
