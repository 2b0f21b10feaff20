import { join } from "node:path";
import { parseComposeFlags } from "../../src/frontends/flags/compose-flags.ts";
import { ComposeImageError } from "../../src/model/errors.ts";
import { mediaTypes } from "../../src/model/media-types.ts";
import { compose } from "../../src/ops/compose.ts";
import { formatEntry } from "../layers/support/case-entry.ts";
import { putCaseImage } from "../layers/support/case-image.ts";
import { attempt } from "./command.ts";
import type { ComposeOutcome } from "./image-diff.ts";
import type { RandomStack } from "./random-stack.ts";
import { readTree, type Tree } from "./tree.ts";

const layerTypes = {
  gzip: mediaTypes.oci.layerGzip,
  zstd: mediaTypes.oci.layerZstd,
  plain: mediaTypes.oci.layer,
} as const;

/** Puts a random image into a layout, under a tag. */
export async function putStack(directory: string, tag: string, stack: RandomStack): Promise<void> {
  const layers = stack.map(({ entries, packing }) => ({
    entries: entries.map(formatEntry).join("\n"),
    packed: [packing],
    mediaType: layerTypes[packing],
  }));
  await putCaseImage(directory, tag, { layers });
}

/** An image's files as umoci(1) unpacks them, as root; its config is not looked at. */
export async function unpackedByUmoci(layout: string, tag: string, scratch: string): Promise<ComposeOutcome> {
  const rootfs = join(scratch, `${tag}-rootfs`);
  const result = await attempt("umoci", ["raw", "unpack", "--image", `${layout}:${tag}`, rootfs]);
  if (result.status !== 0) return { kind: "refused", message: result.stderr };
  return { kind: "image", tree: withoutRoot(await readTree(rootfs)), config: {} };
}

/**
 * An image's files as this project sees them: all of them copied onto scratch. That makes a single plain layer, which
 * umoci unpacks.
 */
export async function viewedByCopying(layout: string, tag: string, scratch: string): Promise<ComposeOutcome> {
  const composed = `${tag}-composed`;
  const plan = parseComposeFlags({
    builder: `oci:${layout}:${tag}`,
    base: "scratch",
    directory: ["/:/"],
    tag: [`oci:${layout}:${composed}`],
    record: "none",
  });
  try {
    await compose(plan, { env: {} });
  } catch (error) {
    if (error instanceof ComposeImageError)
      return { kind: "refused", message: `${error.code}: ${error.message}` };
    throw error;
  }
  const outcome = await unpackedByUmoci(layout, composed, scratch);
  if (outcome.kind === "refused") throw new Error(`umoci refuses what was composed: ${outcome.message}`);
  return outcome;
}

/** A copy never changes the root directory itself. */
function withoutRoot(tree: Tree): Tree {
  const rest = new Map(tree);
  rest.delete(".");
  return rest;
}
