import type { Call } from "../io/call.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { ComposeImageError } from "../model/errors.ts";
import { type ImageIndex, type ImageManifest, parseManifest } from "../model/manifest.ts";
import { formatPlatform } from "../model/platform.ts";
import { platformEntries } from "../model/select-platform.ts";
import type { Source } from "../store/source.ts";

/**
 * The manifest that an entry of an index names.
 *
 * @param name the image in messages.
 * @throws ComposeImageError `MANIFEST_NOT_FOUND` naming what the index names and is not there; `MANIFEST_INVALID`; the
 *   store's.
 */
export async function childManifest(
  source: Source,
  index: ImageIndex,
  entry: Descriptor | undefined,
  name: string,
  call: Call,
): Promise<ImageManifest> {
  if (entry === undefined) throw new ComposeImageError("INTERNAL", `${name}: no entry chosen`);
  const stored = await source.manifest({ digest: entry.digest }, call).catch(async (error: unknown) => {
    call.signal.throwIfAborted();
    if (!(error instanceof ComposeImageError) || error.code !== "MANIFEST_NOT_FOUND") throw error;
    throw await missingChildren(source, index, name, error, call);
  });
  const manifest = parseManifest(stored.bytes, stored.descriptor.mediaType, name);
  if (manifest.kind === "manifest") return manifest;
  throw new ComposeImageError("MANIFEST_INVALID", `${name}: the index holds another index for its platform`);
}

/** So many of an index's manifests are looked for when one is missing. */
const mostLookedFor = 32;

async function missingChildren(
  source: Source,
  index: ImageIndex,
  name: string,
  cause: ComposeImageError,
  call: Call,
): Promise<ComposeImageError> {
  const missing = [];
  for (const { digest, platform } of platformEntries(index).slice(0, mostLookedFor)) {
    try {
      await source.resolve({ digest }, call);
    } catch (error) {
      call.signal.throwIfAborted();
      if (!(error instanceof ComposeImageError) || error.code !== "MANIFEST_NOT_FOUND") throw error;
      missing.push(platform === undefined ? digest : `${digest} (${formatPlatform(platform)})`);
    }
  }
  return new ComposeImageError(
    "MANIFEST_NOT_FOUND",
    `${name}: its index names manifests that are not there: ${missing.join(", ")}`,
    { hint: "The index was pushed or copied without all it names; push it again as a whole.", cause },
  );
}
