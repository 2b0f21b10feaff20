import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { exitStatusOf } from "../../src/cli/exit-status.ts";
import { expectCovered, readRows } from "../support/case-table.ts";
import { formatEntry, linesOf, parseEntryLine } from "./support/case-entry.ts";
import { type CaseExpectation, readCases } from "./support/case-file.ts";
import { bare, quoted, wordsOf } from "./support/case-words.ts";
import { type CaseOutcome, type ComposedCase, runCase } from "./support/run-case.ts";

const cases = readCases();
const rows = readRows("semantics.md");

describe("the table of docs/semantics.md", () => {
  it("has a case for every row, a row for every case, and no id twice", () => {
    expectCovered(
      rows,
      cases.map(({ name }) => name),
    );
  });

  it("has cases that expect something", () => {
    const kinds = [
      "layer",
      "config",
      "execution",
      "annotations",
      "manifest",
      "writes",
      "same",
      "different",
      "error",
    ];
    const idle = cases.filter(({ expect: expected }) => !kinds.some((kind) => kind in expected));
    expect(idle.map(({ name }) => name)).toEqual([]);
  });
});

describe("the words of a case", () => {
  it("are read as they are written, whatever their bytes", () => {
    const bytes = fc
      .array(fc.integer({ min: 0, max: 255 }), { minLength: 1 })
      .map((codes) => String.fromCharCode(...codes));
    fc.assert(
      fc.property(fc.array(fc.oneof(bytes, fc.constant("x".repeat(50)))), (all) => {
        expect(wordsOf(all.map(bare).join(" ")).map((word) => word.bytes)).toEqual(all);
        expect(wordsOf(all.map(quoted).join(" ")).map((word) => word.bytes)).toEqual(all);
      }),
    );
  });
});

describe(`the ${cases.length} cases of the ${rows.length} rows`, () => {
  let ran = 0;
  afterAll(() => {
    console.info(`${ran} of ${cases.length} cases ran, for ${rows.length} rows of docs/semantics.md`);
  });

  it.concurrent.each(cases)("$name: $about", async ({ inputs, expect: expected }) => {
    ran += 1;
    const outcomes: CaseOutcome[] = [];
    for (const input of inputs) outcomes.push(await runCase(input));
    const [outcome] = outcomes;
    if (outcome === undefined) throw new Error("a case without input");
    expectOutcome(outcome, expected);
    const digests = (what: "layer" | "image") =>
      outcomes.map(({ composed }) =>
        what === "image" ? composed?.digest : composed?.config.rootfs.diff_ids.at(-1),
      );
    if (expected.same !== undefined) {
      expect(digests(expected.same)).toEqual(inputs.map(() => digests(expected.same ?? "layer")[0]));
      expect(digests(expected.same)[0]).toMatch(/^sha256:/);
    }
    if (expected.different !== undefined)
      expect(new Set(digests(expected.different)).size).toBe(inputs.length);
  });
});

function expectOutcome(
  { error, warnings, writes, tagged, composed }: CaseOutcome,
  expected: CaseExpectation,
): void {
  const { error: failure } = expected;
  if (expected.writes !== undefined) expect(writes).toMatchObject(expected.writes);
  if (failure !== undefined) {
    expect({ code: error?.code, exit: exitStatusOf(error), message: error?.message }).toEqual({
      code: failure.code,
      exit: failure.exit,
      message: expect.any(String),
    });
    for (const part of failure.says) expect(error?.message).toContain(part);
    expect(tagged).toEqual([]);
    return;
  }
  if (composed === undefined) throw error;
  expect(warnings).toEqual((expected.warnings ?? []).map((part) => expect.stringContaining(part)));
  expectWholeImage(composed);
  if (expected.layer !== undefined) expect(composed.layer).toEqual(inOneForm(expected.layer));
  if (expected.config !== undefined) expect(composed.config).toMatchObject(expected.config);
  if (expected.execution !== undefined) expect(composed.config.config).toEqual(expected.execution);
  if (expected.annotations !== undefined)
    expect(composed.manifest.annotations ?? {}).toEqual(expected.annotations);
  if (expected.manifest !== undefined) expect(composed.manifest).toMatchObject(expected.manifest);
}

/** What holds for every image: the base's layers as they are and one more, in manifest, configuration and history. */
function expectWholeImage({ manifest, config, baseLayers }: ComposedCase): void {
  const layers = manifest.layers.map(({ digest }) => digest);
  expect(layers.slice(0, -1)).toEqual(baseLayers);
  expect(config.rootfs.diff_ids).toHaveLength(layers.length);
  expect(config.history.filter((entry) => entry.empty_layer !== true)).toHaveLength(layers.length);
}

function inOneForm(layer: string): string[] {
  return linesOf(layer).map((line) => formatEntry(parseEntryLine(line)));
}
