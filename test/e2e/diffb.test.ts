import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "vitest";
import { formatEntry } from "../layers/support/case-entry.ts";
import {
  type DifferentialProperty,
  formatCounterexamples,
  runDifferential,
} from "../support/differential.ts";
import { diffOutcomes, formatImageDifferences } from "../support/image-diff.ts";
import { explainRandom, readPeerRows } from "../support/peers.ts";
import { type RandomCopy, randomCopy } from "../support/random-copy.ts";
import { copiedByBuildah, copiedByCli, putImages } from "../support/random-copy-peers.ts";
import { removeTree, temporaryDirectory } from "../support/temp.ts";

const rows = await readPeerRows("buildah");
const stack = (s: any) =>
  s
    .map(
      (l: any, i: number) =>
        `  # layer ${i + 1} ${l.packing}\n` + l.entries.map((e: any) => "  " + formatEntry(e)).join("\n"),
    )
    .join("\n");
const prop: DifferentialProperty<RandomCopy> = {
  values: randomCopy(),
  format: (c) =>
    "builder\n" + stack(c.builder) + "\nbase\n" + stack(c.base) + "\n" + JSON.stringify(c.request),
  compare: async (c) => {
    const dir = await temporaryDirectory("w");
    const layout = join(dir, "layout");
    await putImages(layout, c);
    const [theirs, ours] = await Promise.all([
      copiedByBuildah(c, "layout", dir),
      copiedByCli(c, "layout", dir),
    ]);
    await removeTree(dir);
    if (process.env.SHOWREF && theirs.outcome.kind === "refused" && ours.kind === "refused")
      console.log(
        JSON.stringify(c.request.directories),
        ours.message + "\n   " + theirs.outcome.message.split("\n").join("|").slice(-200),
      );
    const { unlisted } = explainRandom(diffOutcomes(theirs.outcome, ours), rows, theirs.started);
    appendFileSync(
      "/tmp/dx/out.log",
      `${unlisted.length} ${ours.kind} ${theirs.outcome.kind}\n${unlisted.length ? prop.format(c) + "\n=>" + formatImageDifferences(unlisted, 8) + "\n\n" : ""}`,
    );
    if (unlisted.length) return { kind: "different", text: formatImageDifferences(unlisted, 8) };
    return { kind: ours.kind === "refused" ? "both refused" : "compared" };
  },
};
test("x", async () => {
  const t = Date.now();
  const report = await runDifferential(prop, {
    seed: Number(process.env.SEED ?? 1),
    runs: Number(process.env.RUNS ?? 100),
    lanes: 4,
    mostCounterexamples: Number(process.env.MOST ?? 8),
    mostShrinks: 0,
  });
  console.log(formatCounterexamples({ ...report, counterexamples: report.counterexamples.slice(0, 16) }));
  console.log(report.compared, report.bothRefused, report.counterexamples.length, Date.now() - t);
});
