import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { CopyForecast } from "../ops/copy-forecast.ts";
import type { ChosenImage } from "../plan/mirror-plan.ts";

/** An image that is at the far side now. */
export interface MirroredImage {
  readonly image: ChosenImage;
  /** What is there under the tag: of a single platform its manifest. */
  readonly descriptor: Descriptor;
  /** Whether the tag named something else before, or was not there. */
  readonly isMoved: boolean;
  /** Digests of what refers to it, or to what is below it, and came along or was there; sorted. */
  readonly referrers: readonly Digest[];
}

/** What could not be done: of an image, or of a whole repository. */
export interface MirrorFault {
  /** `registry.example/team/app:1.2`, as at the source. */
  readonly subject: string;
  readonly error: ComposeImageError;
}

/** What a run did. */
export interface MirrorOutcome {
  /** In the order of targets and tags. */
  readonly images: readonly MirroredImage[];
  readonly faults: readonly MirrorFault[];
  /** Manifests and indexes written, and found at the target. */
  readonly manifests: { readonly written: number; readonly present: number };
  /** What would be moved; only where nothing was. */
  readonly forecast: CopyForecast | undefined;
}

/** What a failure is to a run that goes on after it; anything that is no failure of an image ends the run. */
export function asFault(error: unknown): ComposeImageError {
  if (!(error instanceof ComposeImageError)) throw error;
  if (["LOCAL_IO", "DISK_FULL", "INTERNAL"].includes(error.code)) throw error;
  return error;
}

/** An image as it is called at the source. */
export function sourceName(image: ChosenImage): string {
  const { tag, digest } = image;
  return `${sourceRepository(image)}${tag === undefined ? `@${digest}` : `:${tag}`}`;
}

/** Its repository: `registry.example/team/app`, `oci:images:team/app`. */
export function sourceRepository({ registry, repository }: ChosenImage): string {
  return nameAt(registry, repository);
}

/** A repository of a place, or what is in it. */
export function nameAt(place: string, path: string): string {
  return `${place}${/^oci(?:-archive)?:/.test(place) ? ":" : "/"}${path}`;
}
