import type { Call } from "../io/call.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { parseManifest } from "../model/manifest.ts";
import { platformEntries } from "../model/select-platform.ts";
import { childManifest } from "../ops/child-manifest.ts";
import { isImage } from "../ops/choose-copied.ts";
import { readConfig } from "../ops/read-config.ts";
import type { Source } from "../store/source.ts";

/**
 * When an image was created: of an index the newest of its images. `undefined` where it does not say, and for artifacts.
 *
 * @param name the image in messages.
 * @returns milliseconds since 1970.
 * @throws ComposeImageError the source's; `MANIFEST_INVALID`, `CONFIG_INVALID`.
 */
export async function creationTime(
  source: Source,
  { digest }: Descriptor,
  name: string,
  call: Call,
): Promise<number | undefined> {
  const { bytes, descriptor } = await source.manifest({ digest }, call);
  const top = parseManifest(bytes, descriptor.mediaType, name);
  let newest: number | undefined;
  const entries = top.kind === "index" ? platformEntries(top) : [undefined];
  for (const entry of entries) {
    const manifest = top.kind === "index" ? await childManifest(source, top, entry, name, call) : top;
    if (!isImage(manifest)) continue;
    const { created } = await readConfig(source, manifest, name, call);
    const time = created === undefined ? Number.NaN : Date.parse(created);
    if (!Number.isNaN(time)) newest = Math.max(newest ?? time, time);
  }
  return newest;
}
