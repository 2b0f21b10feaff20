import { createReadStream } from "node:fs";
import { abortable } from "../../io/abortable.ts";
import { collect } from "../../io/collect.ts";
import { errnoOf, localError } from "../../io/local-error.ts";
import type { Inventory } from "../../mirror/inventory.ts";
import { ComposeImageError } from "../../model/errors.ts";
import type { Terminal } from "../terminal.ts";

/** Largest inventory taken, in bytes: some million digests. */
const maxInventorySize = 128 * 1024 * 1024;

/**
 * The inventory in a file.
 *
 * @throws ComposeImageError `USAGE` for a file that is not there, or is no inventory; `LOCAL_IO`.
 */
export async function readInventory(file: string, { signal }: Terminal): Promise<Inventory> {
  const what = `--have ${file}`;
  const { parseInventory } = await import("../../mirror/inventory.ts");
  try {
    const bytes = await abortable(collect(createReadStream(file), maxInventorySize, what), { signal });
    return parseInventory(bytes, what);
  } catch (error) {
    signal.throwIfAborted();
    if (!["ENOENT", "ENOTDIR", "EISDIR"].includes(errnoOf(error)))
      throw localError(error, `cannot read ${file}`);
    throw new ComposeImageError("USAGE", `${what}: there is no such file`, {
      hint: "The receiver writes it: compose-image mirror inventory REGISTRY > inventory.json.",
    });
  }
}
