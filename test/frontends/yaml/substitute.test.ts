import { describe, expect, it } from "vitest";
import { readDocuments } from "../../../src/frontends/yaml/read-documents.ts";
import { substituteVariables, Variables } from "../../../src/frontends/yaml/substitute.ts";
import type { TextParts } from "../../../src/plan/text.ts";

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

  it.each<[string, TextParts]>([
    ["${base:PATH}", [{ variable: "PATH" }]],
    ["/a:${base:PATH}:$$", ["/a:", { variable: "PATH" }, ":$"]],
    ["${A}${base:A}", ["one", { variable: "A" }]],
    ["${base:A:-x}", [{ variable: "A", modifier: { operator: ":-", word: ["x"] } }]],
    ["${base:A-}", [{ variable: "A", modifier: { operator: "-", word: [] } }]],
    [
      "${base:A+${A}<${base:B}>}",
      [{ variable: "A", modifier: { operator: "+", word: ["one<", { variable: "B" }, ">"] } }],
    ],
    ["${base:A:?give one}", [{ variable: "A", modifier: { operator: ":?", word: ["give one"] } }]],
    ["${base:A##*/}", [{ variable: "A", modifier: { operator: "##", pattern: ["*/"] } }]],
    ["${base:A#$#}", [{ variable: "A", modifier: { operator: "#", pattern: ["#"] } }]],
    ["${base:A%$}$$}", [{ variable: "A", modifier: { operator: "%", pattern: ["}$"] } }]],
    [
      "${base:A/$/x/y/}",
      [{ variable: "A", modifier: { operator: "/", pattern: ["/x"], replacement: ["y/"] } }],
    ],
    ["${base:A//x/}", [{ variable: "A", modifier: { operator: "//", pattern: ["x"], replacement: [] } }]],
    [
      "${base:A={x${base:B}}%y}",
      [{ variable: "A", value: ["x", { variable: "B" }], modifier: { operator: "%", pattern: ["y"] } }],
    ],
    ["${base:A={${base:B}}}", [{ variable: "B" }]],
  ])("in %j refer to the base's environment", (text, parts) => {
    const [document] = readDocuments(JSON.stringify(text), "f");
    const result = document && substituteVariables(document, new Variables(values));
    const template = result?.kind === "scalar" ? result.template : undefined;
    expect(template).toEqual({ parts, where: "f:1:1: the document" });
  });

  it("named base are none of the base's", () => {
    expect(substituted("${base:-x}")).toBe("x");
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
