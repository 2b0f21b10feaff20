import { join } from "node:path";
import { test } from "vitest";
import { formatEntry } from "../layers/support/case-entry.ts";
import { runDifferential, formatCounterexamples, type DifferentialProperty } from "../support/differential.ts";
import { diffOutcomes, formatImageDifferences } from "../support/image-diff.ts";
import { explainRandom, readPeerRows } from "../support/peers.ts";
import { randomStack, type RandomStack } from "../support/random-stack.ts";
import { removeTree, temporaryDirectory } from "../support/temp.ts";
import { putStack, unpackedByUmoci, viewedByCopying } from "../support/view-peers.ts";

const rows = await readPeerRows("umoci");
const prop: DifferentialProperty<RandomStack> = {
  values: randomStack({ packings: ["gzip", "plain"], mostLayers: 6, isWild: true }),
  format: (stack) => stack.map((l, i: number) => `# layer ${i + 1}\n` + l.entries.map(formatEntry).join("\n")).join("\n"),
  compare: async (stack) => {
    const dir = await temporaryDirectory("v");
    const layout = join(dir, "layout");
    await putStack(layout, "image", stack);
    const started = BigInt(Date.now()) * 1000000n;
    const [theirs, ours] = await Promise.all([unpackedByUmoci(layout, "image", dir), viewedByCopying(layout, "image", dir)]);
    await removeTree(dir);
    if (process.env.SHOWREF && theirs.kind === "refused" && ours.kind === "refused") console.log(ours.message + "\n   " + theirs.message.split("\n").join("|").slice(0,300));
    const { unlisted } = explainRandom(diffOutcomes(theirs, ours), rows, started);
    if (unlisted.length) return { kind: "different", text: formatImageDifferences(unlisted, 8) };
    return { kind: theirs.kind === "refused" ? "both refused" : "compared" };
  }
};
test("x", async () => {
  const t = Date.now();
  const report = await runDifferential(prop, { seed: Number(process.env.SEED ?? 1), runs: Number(process.env.RUNS ?? 100), lanes: 3, mostCounterexamples: 6, mostShrinks: 25 });
  console.log(formatCounterexamples({ ...report, counterexamples: report.counterexamples.slice(0, 16) }));
  console.log(report.compared, report.bothRefused, report.counterexamples.length, Date.now() - t);
});
