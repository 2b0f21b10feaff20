import { resolve } from "node:path";
import { Option } from "commander";
import { ComposeImageError } from "../model/errors.ts";

/** The flag of what copies from registry to registry. */
export function keepPartsOption(): Option {
  return new Option(
    "--keep-parts <dir>",
    "keep large blobs under way from registry to registry in DIR: after a kill, only the rest is read",
  );
}

/**
 * Where parts of blobs are kept; `undefined` for nowhere.
 *
 * @throws ComposeImageError `USAGE` for an empty flag.
 */
export function partsDirectory({ keepParts }: { readonly keepParts?: string }): string | undefined {
  if (keepParts === "") {
    throw new ComposeImageError("USAGE", "--keep-parts is empty", {
      hint: "Name a directory of your own.",
    });
  }
  return keepParts === undefined ? undefined : resolve(keepParts);
}
