import { describe, expect, it } from "vitest";
import { readDocuments } from "../../../src/frontends/yaml/read-documents.ts";
import { substituteVariables, Variables } from "../../../src/frontends/yaml/substitute.ts";

const values = new Map([
  ["A", "one"],
  ["EMPTY", ""],
  ["YAML", "]\nbase: x # ${A}"],
  ["N", "17"],
]);

function substituted(text: string): unknown {
  const [document] = readDocuments(JSON.stringify(text), "f");
  if (document === undefined) throw new Error("no document");
  const result = substituteVariables(document, new Variables(values));
  return result.kind === "scalar" ? result.value : result;
}

describe("variables", () => {
  it.each([
    ["plain", "plain"],
    ["${A}", "one"],
    ["<${A}${N}>", "<one17>"],
    ["${EMPTY}", ""],
    ["${EMPTY:-x}", "x"],
    ["${EMPTY-x}", ""],
    ["${NONE:-x:y -z}", "x:y -z"],
    ["${NONE-}", ""],
    ["${A:-x}", "one"],
    ["$$", "$"],
    ["$${A}", "${A}"],
    ["$$$$", "$$"],
    ["a$$b", "a$b"],
  ])("in %j give %j", (text, expected) => {
    expect(substituted(text)).toBe(expected);
  });

  it("become neither YAML nor variables again by what they hold", () => {
    expect(substituted("[${YAML}")).toBe("[]\nbase: x # ${A}");
  });

  it.each([
    ["${NONE}", "needs the variable NONE, which is not given"],
    ["$A", "lone dollar sign"],
    ["5$", "lone dollar sign"],
    ["${}", "malformed variable ${}"],
    ["${1A}", "malformed variable ${1A}"],
    ["${A:?no}", "malformed variable ${A:?no}"],
    ["${A", "lone dollar sign"],
    ["${NONE:-$A}", "malformed variable"],
  ])("in %j are refused", (text, message) => {
    expect(() => substituted(text)).toThrow(
      expect.objectContaining({
        code: "USAGE",
        message: expect.stringMatching(/^f:1:1: the document /),
        hint: expect.stringContaining("${"),
      }),
    );
    expect(() => substituted(text)).toThrow(message);
  });

  it("that nobody asked for are known afterwards", () => {
    const variables = new Variables(values);
    const [document] = readDocuments("[a, '${N}', '${NONE:-}']", "f");
    if (document !== undefined) substituteVariables(document, variables);
    expect(variables.unused).toEqual(["A", "EMPTY", "YAML"]);
  });
});
