import type { MirroredImage, MirrorFault } from "../../mirror/mirror-outcome.ts";
import type { MirrorResult } from "../../mirror/run-mirror.ts";
import { ComposeImageError } from "../../model/errors.ts";
import type { Json } from "../../model/json.ts";
import { visibleJson, visibleText } from "../../model/visible-text.ts";
import { formatBytes, formatDuration } from "../quantities.ts";
import type { OutputFlags } from "../shared-options.ts";
import type { Terminal } from "../terminal.ts";

/**
 * Prints what a run did.
 *
 * @throws ComposeImageError the failure that the command ends with.
 */
export function tellMirrored(result: MirrorResult, { quiet, json }: OutputFlags, terminal: Terminal): void {
  if (!quiet) terminal.writeError(summarizeMirror(result));
  if (json) terminal.write(`${visibleJson(mirrorDocument(result))}\n`);
  else {
    const isForecast = result.forecast !== undefined;
    const shown = isForecast ? result.images.filter(({ isMoved }) => isMoved) : result.images;
    terminal.write(shown.map((image) => `${mirroredName(result.target, image)}\n`).join(""));
  }
  const failure = mirrorFailure(result);
  if (failure !== undefined) throw failure;
}

/** What a person wants to know at the end: figures, and every failure with what to do about it. */
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
  const figuresText = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join("");
  return `${faults.map(describeFault).join("")}${figuresText}`;
}

/** A failure as errors are told. */
function describeFault({ subject, error }: MirrorFault): string {
  const hint = error.hint === undefined ? "" : `  hint: ${error.hint}\n`;
  return `failed: ${visibleText(subject)}: ${error.message} [${error.code}]\n${hint}`;
}

/** `registry/prefix/repository:tag@sha256:…`. */
function mirroredName(target: string, { image, descriptor }: MirroredImage): string {
  const isFile = target.startsWith("oci:") || target.startsWith("oci-archive:");
  const tag = image.tag === undefined ? "" : `:${image.tag}`;
  return `${target}${isFile ? ":" : "/"}${image.target}${tag}@${descriptor.digest}`;
}

/** What `--json` prints. */
function mirrorDocument(result: MirrorResult): { [key: string]: Json } {
  const { target, images, faults, manifests, figures, forecast } = result;
  return {
    target,
    images: images.map(({ image, descriptor, isMoved, referrers }) => ({
      source: `${image.registry}/${image.repository}`,
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
