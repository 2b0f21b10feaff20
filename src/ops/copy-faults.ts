import type { Call } from "../io/call.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { ComposeImageError } from "../model/errors.ts";
import { isManifestMediaType } from "../model/media-types.ts";
import { formatPlatform } from "../model/platform.ts";
import type { Source } from "../store/source.ts";

/** Most missing manifests that are named. */
const maxNamed = 10;

/**
 * A failure to bring one of an index's manifests: where it is that the source lacks it, told with all others it lacks.
 *
 * @param name the index in messages.
 */
export async function missingChildren(
  error: unknown,
  child: Descriptor,
  siblings: readonly Descriptor[],
  source: Source,
  name: string,
  call: Call,
): Promise<unknown> {
  const isMissing = (fault: unknown): boolean =>
    fault instanceof ComposeImageError && fault.code === "MANIFEST_NOT_FOUND";
  if (!isMissing(error) || call.signal.aborted) return error;
  const missing: Descriptor[] = [];
  for (const sibling of siblings) {
    if (missing.length === maxNamed) break;
    if (!isManifestMediaType(sibling.mediaType)) continue;
    if (sibling === child) {
      missing.push(child);
      continue;
    }
    const fault = await source.resolve({ digest: sibling.digest }, call).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (isMissing(fault)) missing.push(sibling);
  }
  const named = missing.map(({ digest, platform }) =>
    platform === undefined ? digest : `${digest} (${formatPlatform(platform)})`,
  );
  return new ComposeImageError(
    "MANIFEST_NOT_FOUND",
    `${name}: the index names manifests that are not there: ${named.join(", ")}`,
    {
      hint: "The source is incomplete: push those again, or copy one of its platforms with --platform.",
      cause: error,
    },
  );
}

/** A registry's refusal of an index, told with what is likely to be behind it: not all that the index names is there. */
export function refusedSparse(error: unknown): unknown {
  const refusals = ["BLOB_UNKNOWN", "REGISTRY_REJECTED"];
  if (!(error instanceof ComposeImageError) || !refusals.includes(error.code)) return error;
  return new ComposeImageError(
    "REGISTRY_REJECTED",
    `${error.message}: it was sent an index of which only some platforms came along, and many registries want all`,
    {
      hint: "Mirror all platforms, or a single one, whose manifest then has the tag; directories and archives take some as well.",
      cause: error,
    },
  );
}
