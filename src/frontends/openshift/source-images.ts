import { ComposeImageError } from "../../model/errors.ts";
import type { CopySource } from "../../plan/compose-plan.ts";
import { parseCopySource } from "../../plan/copy-source.ts";
import { contextCopy, parseSourcePath, type SourcePath } from "./source-path.ts";

/** An image that a build context is filled from. */
export interface SourceImage {
  readonly from: CopySource;
  readonly paths: readonly SourcePath[];
}

/** `--source-image` or `--source-image-path` with its value; their order counts. */
export interface SourceImageWord {
  readonly flag: "--source-image" | "--source-image-path";
  readonly value: string;
}

/**
 * Reads the flags as they come: a path is of the image before it. Of a single image they may come before as well, as with
 * `oc`.
 *
 * @throws ComposeImageError `USAGE`, `REFERENCE_INVALID`
 */
export function parseSourceImages(words: readonly SourceImageWord[]): SourceImage[] {
  const images: { readonly value: string; readonly from: CopySource; readonly paths: SourcePath[] }[] = [];
  const early: SourcePath[] = [];
  for (const { flag, value } of words) {
    if (flag === "--source-image") images.push({ value, from: parseCopySource(value, flag), paths: [] });
    else (images.at(-1)?.paths ?? early).push(parseSourcePath(value, flag));
  }
  const [first, ...more] = images;
  const [path] = early;
  if (path !== undefined) {
    if (first === undefined)
      throw usage(`${path.what}: no --source-image is given`, "Name the image to take it from.");
    if (more.length > 0) {
      throw usage(
        `${path.what} comes before every --source-image`,
        "Of several images, write each with its paths after it.",
      );
    }
    first.paths.unshift(...early);
  }
  const idle = images.find(({ paths }) => paths.length === 0);
  if (idle !== undefined) {
    throw usage(
      `--source-image ${idle.value}: nothing is taken from it`,
      "Write --source-image-path SRC:DST after it.",
    );
  }
  return images;
}

/**
 * The build context that images make, in their order: files of a stage that is in no image.
 *
 * @see https://docs.openshift.com/container-platform/4.18/cicd/builds/creating-build-inputs.html#image-source_creating-build-inputs
 */
export function contextOf(images: readonly SourceImage[]): CopySource {
  const copies = images.flatMap(({ from, paths }) => paths.map((path) => ({ ...contextCopy(path), from })));
  return { kind: "stage", stage: { name: "build-context", base: { kind: "scratch" }, copies, config: {} } };
}

function usage(message: string, hint: string): ComposeImageError {
  return new ComposeImageError("USAGE", message, { hint });
}
