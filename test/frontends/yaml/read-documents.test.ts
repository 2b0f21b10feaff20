import { describe, expect, it } from "vitest";
import type { Located } from "../../../src/frontends/yaml/located.ts";
import { readDocuments } from "../../../src/frontends/yaml/read-documents.ts";
import { plain } from "./plain.ts";

function placesOf(value: Located): [path: string, where: string][] {
  const own: [string, string] = [value.path, value.where];
  if (value.kind === "scalar") return [own];
  const below = value.kind === "list" ? value.items : [...value.entries.values()].map((entry) => entry.value);
  return [own, ...below.flatMap(placesOf)];
}

const one = (text: string): Located => {
  const [document] = readDocuments(text, "f");
  if (document === undefined) throw new Error("no document");
  return document;
};

describe("documents", () => {
  it("know the line and column of every value, counted from 1", () => {
    expect(placesOf(one("a: 1\nb:\n  - x\n  - c.d: y\n"))).toEqual([
      ["", "f:1:1"],
      ["a", "f:1:4"],
      ["b", "f:3:3"],
      ["b[0]", "f:3:5"],
      ["b[1]", "f:4:5"],
      ['b[1]."c.d"', "f:4:10"],
    ]);
  });

  it("keep numbers as they were written beside what they mean", () => {
    const document = one("[1.10, 0755, 1e3, true, '1']");
    expect(plain(document)).toEqual([1.1, 755, 1000, true, "1"]);
    const texts = document.kind === "list" ? document.items.map((item) => "text" in item && item.text) : [];
    expect(texts).toEqual(["1.10", "0755", "1e3", "true", "1"]);
  });

  it("expand aliases, at the alias's own place", () => {
    const document = one("a: &x {k: [1]}\nb: *x\n");
    expect(plain(document)).toEqual({ a: { k: [1] }, b: { k: [1] } });
    expect(placesOf(document)).toContainEqual(["b", "f:2:4"]);
  });

  it("are as many as there are, without the empty ones", () => {
    expect(readDocuments("---\n# nothing\n---\na: 1\n---\nb: 2\n", "f").map(plain)).toEqual([
      { a: 1 },
      { b: 2 },
    ]);
    expect(readDocuments("", "f")).toEqual([]);
  });

  it("take keys at their word that objects have themselves", () => {
    const document = one("__proto__: 1\nconstructor: 2\n");
    expect(document.kind === "map" && [...document.entries.keys()]).toEqual(["__proto__", "constructor"]);
  });

  const bomb = ["a: &a [x,x,x,x,x,x,x,x,x,x]"];
  for (const [from, to] of ["ab", "bc", "cd", "de", "ef", "fg"].map((pair) => [...pair])) {
    bomb.push(`${to}: &${to} [${Array(10).fill(`*${from}`).join(",")}]`);
  }
  it.each([
    ["a: [1", "f:1:6: ", "end with a ]"],
    ["a: 1\na: 2\n", "f:2:1: ", "unique"],
    ["a: !secret x\n", "f:1:4: ", "unresolved tag: !secret"],
    ["a: *nobody\n", "f:1:4: ", "nobody"],
    ["a: &a [*a]\n", "f:1:7: ", "too large"],
    ["? [1]\n: 2\n", "f:1:3: ", "a key has to be text"],
    ["a:\n\t- b\n", "f:2:1: ", "tab"],
    [bomb.join("\n"), "f:", "too large"],
    ["[".repeat(300) + "]".repeat(300), "f:1:102: ", "nested too deeply"],
    ["[".repeat(50_000), "f:", "nested too deeply"],
  ])("that are wrong are refused with the place (%#)", (text, place, what) => {
    expect(() => readDocuments(text, "f")).toThrow(
      expect.objectContaining({
        code: "USAGE",
        message: expect.stringMatching(new RegExp(`^${place}.*${what.replaceAll(/[[\]]/g, "\\$&")}`)),
        hint: expect.stringContaining("indentation"),
      }),
    );
  });
});
