import { randomInt } from "node:crypto";
import { expect, test } from "vitest";
import { linesOf, parseEntryLine } from "../layers/support/case-entry.ts";
import {
  type DifferentialProperty,
  formatCounterexamples,
  formatCounts,
  runDifferential,
} from "../support/differential.ts";
import { caseName, readDockerfileCases } from "../support/dockerfile-cases.ts";
import { formatImageDifferences } from "../support/image-diff.ts";
import { explain, listedFor, readPeerRows } from "../support/peers.ts";
import {
  copyProperty,
  type Differences,
  differencesInCopy,
  differencesInView,
  viewProperty,
} from "../support/random-properties.ts";
import type { RandomStack } from "../support/random-stack.ts";
import { describeWith } from "../support/tools.ts";
import { copyCases } from "./copy-cases.ts";
import { smallCopyCases, viewCases } from "./differential-cases.ts";

const runs = Number(process.env.DIFFERENTIAL_RUNS ?? 25);
const seed = Number(process.env.DIFFERENTIAL_SEED ?? randomInt(2 ** 31));
const timeout = 300_000 + runs * 30_000;
const umociRows = await readPeerRows("umoci");
const buildahRows = await readPeerRows("buildah");

test("rows of peers.yaml for random runs have a fixed case, too, and only cases that there are", async () => {
  const rows = [...umociRows, ...buildahRows];
  const names = [
    ...[...viewCases, ...smallCopyCases, ...copyCases].map(({ name }) => name),
    ...(await readDockerfileCases()).map(caseName),
  ];
  expect(rows.flatMap(({ cases }) => cases).filter((name) => !names.includes(name))).toEqual([]);
  expect(rows.filter(({ random, cases }) => random === true && cases.length === 0)).toEqual([]);
});

describeWith(["root", "umoci", "getfattr"], "the merged view and umoci", () => {
  test("agree on layers at random, but for what peers.yaml lists", { timeout }, async () => {
    await expectAgreement("merged views", viewProperty(umociRows));
  });

  test.for(viewCases)("differ as peers.yaml says: $name", async ({ name, layers }) => {
    const { differences, started } = await differencesInView(stackOf(layers));
    expectListed(name, differences, umociRows, started);
  });

  test("are found to differ within 100 runs when opaque markers are ignored", async () => {
    const property = viewProperty(umociRows, withoutOpaqueMarkers);
    const report = await runDifferential(property, { seed: 1, runs: 100, lanes: 4, mostShrinks: 0 });
    expect(formatCounterexamples(report)).toContain("theirs absent");
  });
});

describeWith(["root", "buildah", "umoci", "getfattr", "cli"], "small copies and buildah", () => {
  test("agree on copies at random, but for what peers.yaml lists", { timeout }, async () => {
    await expectAgreement("copies", copyProperty(buildahRows));
  });

  test.for(smallCopyCases)("differ as peers.yaml says: $name", async ({ name, builder, base, ...copy }) => {
    const request = { name, ...copy };
    const found = await differencesInCopy({ builder: stackOf(builder), base: stackOf(base), request });
    expectListed(name, found.differences, buildahRows, found.started);
  });
});

async function expectAgreement<T>(title: string, property: DifferentialProperty<T>): Promise<void> {
  console.info(`${title}: ${runs} runs with seed ${seed}`);
  const report = await runDifferential(property, { seed, runs, lanes: 4 });
  console.info(`${title}: ${formatCounts(report)}`);
  if (report.counterexamples.length > 0) console.info(formatCounterexamples(report));
  expect(report.counterexamples.map((found) => found.seed)).toEqual([]);
  const { compared } = report.counts;
  if (runs >= 20) expect(compared, "runs in which both made an image").toBeGreaterThan(runs / 10);
}

function expectListed(
  name: string,
  differences: Differences["differences"],
  rows: typeof umociRows,
  started: bigint,
): void {
  const { unlisted, occurred } = explain(name, differences, rows, started);
  expect(formatImageDifferences(unlisted)).toBe("");
  expect(occurred).toEqual(listedFor(name, rows));
}

function stackOf(layers: readonly string[]): RandomStack {
  return layers.map((lines) => ({ entries: linesOf(lines).map(parseEntryLine), packing: "gzip" }));
}

function withoutOpaqueMarkers(stack: RandomStack): RandomStack {
  return stack.map((layer) => ({
    ...layer,
    entries: layer.entries.filter(({ header }) => !header.path.endsWith(".wh..wh..opq")),
  }));
}
