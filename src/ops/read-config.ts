import type { Call } from "../io/call.ts";
import { collect } from "../io/collect.ts";
import { type ImageConfig, maxConfigSize, parseConfig } from "../model/config.ts";
import type { ImageManifest } from "../model/manifest.ts";
import type { Source } from "../store/source.ts";

/**
 * Reads the configuration of an image.
 *
 * @param name the image, for messages.
 * @throws ComposeImageError `CONFIG_INVALID`, `LIMIT_EXCEEDED` and the store's.
 */
export async function readConfig(
  source: Source,
  { config }: Pick<ImageManifest, "config">,
  name: string,
  call: Call,
): Promise<ImageConfig> {
  return parseConfig(
    await collect(await source.fetch(config, call), maxConfigSize, `config of ${name}`),
    name,
  );
}
