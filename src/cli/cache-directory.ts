import { isAbsolute, join, resolve } from "node:path";
import { ComposeImageError } from "../model/errors.ts";

/** Flags about what is kept between runs. */
export interface CacheFlags {
  readonly cacheDir?: string;
  /** `false` with `--no-cache`. */
  readonly cache?: boolean;
}

/**
 * Where to keep what may be lost: what the flag says, else `compose-image` in the user's cache directory; `undefined`
 * where nothing is to be kept, or there is no such directory.
 *
 * @throws ComposeImageError `USAGE` for an empty flag.
 * @see https://specifications.freedesktop.org/basedir-spec/latest/#variables
 */
export function cacheDirectory(
  { cacheDir, cache = true }: CacheFlags,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (!cache) return undefined;
  if (cacheDir === "") {
    throw new ComposeImageError("USAGE", "--cache-dir is empty", {
      hint: "Name a directory, or keep nothing with --no-cache.",
    });
  }
  if (cacheDir !== undefined) return resolve(cacheDir);
  const { XDG_CACHE_HOME = "", HOME = "" } = env;
  if (isAbsolute(XDG_CACHE_HOME)) return join(XDG_CACHE_HOME, "compose-image");
  return isAbsolute(HOME) ? join(HOME, ".cache", "compose-image") : undefined;
}
