import type { Call } from "../io/call.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { ComposeImageError, type ErrorCode } from "../model/errors.ts";
import { parseManifest } from "../model/manifest.ts";
import { isIndexMediaType } from "../model/media-types.ts";
import type { Platform } from "../model/platform.ts";
import { formatPlatform } from "../model/platform.ts";
import { platformEntries } from "../model/select-platform.ts";
import { chooseCopied } from "../ops/choose-copied.ts";
import type { ResolvedImage } from "./choose-images.ts";
import type { ImageSource } from "./image-source.ts";
import { keepsPlatforms } from "./keep-platforms.ts";
import { sourceName } from "./mirror-outcome.ts";

/**
 * What is mirrored of an image: all of it; of an index the manifest for the only platform that is meant.
 *
 * @throws ComposeImageError `PLATFORM_NOT_FOUND` for an index without any of the platforms; what `chooseCopied` throws.
 */
export async function chooseMirrored(
  source: ImageSource,
  image: ResolvedImage,
  platforms: readonly Platform[] | undefined,
  call: Call,
): Promise<Descriptor> {
  const { digest } = image;
  const [only, ...more] = platforms ?? [];
  if (only === undefined) return image.descriptor ?? source.resolve({ digest }, call);
  // Read first, so that nothing has to be asked besides.
  const { bytes, descriptor } = await source.manifest({ digest }, call);
  if (platforms === undefined || more.length === 0) {
    return chooseCopied(source, { digest }, only, call).catch((error: unknown) => {
      throw withOwnHint(error);
    });
  }
  if (!isIndexMediaType(descriptor.mediaType)) return descriptor;
  const index = parseManifest(bytes, descriptor.mediaType, `source ${sourceName(image)}`);
  const keeps = keepsPlatforms(platforms);
  const isThere = index.kind === "index" && platformEntries(index).some((child) => keeps(child, []));
  if (isThere) return descriptor;
  throw new ComposeImageError(
    "PLATFORM_NOT_FOUND",
    `source ${sourceName(image)} has no image for ${platforms.map(formatPlatform).join(" or ")}`,
    { hint: "Look with compose-image inspect what it has, and name these platforms." },
  );
}

/** The hint for `copy` speaks of its options. */
function withOwnHint(error: unknown): unknown {
  const codes: readonly ErrorCode[] = ["PLATFORM_MISMATCH", "FORMAT_UNSUPPORTED"];
  if (!(error instanceof ComposeImageError) || !codes.includes(error.code)) return error;
  return new ComposeImageError(error.code, error.message, {
    hint: "Write platforms: all at its repository to mirror it as it is.",
    cause: error,
  });
}
