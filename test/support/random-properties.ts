import { join } from "node:path";
import { formatEntry } from "../layers/support/case-entry.ts";
import type { Comparison, DifferentialProperty } from "./differential.ts";
import {
  type ComposeOutcome,
  diffOutcomes,
  formatImageDifferences,
  type ImageDifference,
} from "./image-diff.ts";
import { explainRandom, type PeerRow } from "./peers.ts";
import { type RandomCopy, randomCopy } from "./random-copy.ts";
import { copiedByBuildah, copiedByCli, putImages } from "./random-copy-peers.ts";
import { type RandomStack, randomStack } from "./random-stack.ts";
import { removeTree, temporaryDirectory } from "./temp.ts";
import { formatTime } from "./tree-diff.ts";
import { putStack, unpackedByUmoci, viewedByCopying } from "./view-peers.ts";

/** How two tools differ over one value. */
export interface Differences {
  readonly differences: readonly ImageDifference[];
  readonly bothRefused: boolean;
  /** When the peer began, in nanoseconds since 1970. */
  readonly started: bigint;
}

/** Layers as umoci unpacks them, and as this project sees them, which may be shown others. */
export async function differencesInView(stack: RandomStack, shown = stack): Promise<Differences> {
  return inScratch("view", async (scratch) => {
    const layout = join(scratch, "layout");
    await putStack(layout, "image", stack);
    if (shown !== stack) await putStack(layout, "shown", shown);
    const started = BigInt(Date.now()) * 1_000_000n;
    const [theirs, ours] = await Promise.all([
      unpackedByUmoci(layout, "image", scratch),
      viewedByCopying(layout, shown === stack ? "image" : "shown", scratch),
    ]);
    const bothRefused = theirs.kind === "refused" && ours.kind === "refused";
    return { differences: diffOutcomes(theirs, ours), bothRefused, started };
  });
}

/** A copy as buildah makes it, and as the built command line does. */
export async function differencesInCopy(copy: RandomCopy): Promise<Differences> {
  return inScratch("copy", async (scratch) => {
    await putImages(join(scratch, "layout"), copy);
    const [{ outcome: theirs, started }, ours] = await Promise.all([
      copiedByBuildah(copy, "layout", scratch),
      copiedByCli(copy, "layout", scratch),
    ]);
    const bothRefused = theirs.kind === "refused" && ours.kind === "refused";
    const differences = diffOutcomes(theirs, ours);
    if (!differences.some(({ attribute }) => attribute === "mtime")) {
      return { differences, bothRefused, started };
    }
    const base = await unpackedByUmoci(join(scratch, "layout"), "base", scratch);
    return { differences: differences.map((each) => withBaseTime(each, base)), bothRefused, started };
  });
}

function withBaseTime(difference: ImageDifference, base: ComposeOutcome): ImageDifference {
  const found = base.kind === "image" ? base.tree.get(difference.path) : undefined;
  if (difference.attribute !== "mtime" || found === undefined) return difference;
  return { ...difference, base: formatTime(found.mtime) };
}

/**
 * The merged view of random layers is what umoci unpacks.
 *
 * @param shown what this project is given to read instead of the layers.
 */
export function viewProperty(
  rows: readonly PeerRow[],
  shown: (stack: RandomStack) => RandomStack = (stack) => stack,
): DifferentialProperty<RandomStack> {
  return {
    values: randomStack({ packings: ["gzip", "plain"], mostLayers: 6, isWild: true }),
    compare: async (stack) => judged(await differencesInView(stack, shown(stack)), rows),
    format: (stack) => formatStack("builder", stack),
  };
}

/** A random copy comes out as buildah makes it. */
export function copyProperty(rows: readonly PeerRow[]): DifferentialProperty<RandomCopy> {
  return {
    values: randomCopy(),
    compare: async (copy) => judged(await differencesInCopy(copy), rows),
    format: ({ builder, base, request }) => {
      const { name, ...options } = request;
      return `${formatStack("builder", builder)}\n${formatStack("base", base)}\ncopy: ${JSON.stringify(options)}`;
    },
  };
}

function judged({ differences, bothRefused, started }: Differences, rows: readonly PeerRow[]): Comparison {
  const { unlisted } = explainRandom(differences, rows, started);
  if (unlisted.length > 0) return { kind: "different", text: formatImageDifferences(unlisted) };
  if (bothRefused) return { kind: "both refused" };
  return { kind: differences.some(({ attribute }) => attribute === "outcome") ? "one refused" : "compared" };
}

/** Layers as a case of `fixtures/layers` has them. */
function formatStack(name: string, stack: RandomStack): string {
  const layers = stack.map(({ entries, packing }) =>
    [`  - | # ${packing}`, ...entries.map((entry) => `    ${formatEntry(entry)}`)].join("\n"),
  );
  return [`${name}:`, ...layers].join("\n");
}

async function inScratch<T>(label: string, work: (scratch: string) => Promise<T>): Promise<T> {
  const scratch = await temporaryDirectory(label);
  try {
    return await work(scratch);
  } finally {
    await removeTree(scratch);
  }
}
