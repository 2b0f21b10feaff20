import { describe, expect, it } from "vitest";
import { readDocuments } from "../../../src/frontends/yaml/read-documents.ts";
import { applySetting, parseSetting } from "../../../src/frontends/yaml/settings.ts";
import { plain } from "./plain.ts";

function set(text: string, ...settings: string[]): unknown {
  const [document] = readDocuments(text, "f");
  if (document === undefined) throw new Error("no document");
  return plain(settings.map(parseSetting).reduce(applySetting, document));
}

describe("settings", () => {
  it.each<[text: string, setting: string, expected: unknown]>([
    ["a: 1", "a=2", { a: "2" }],
    ["a: 1", "b=x=y", { a: 1, b: "x=y" }],
    ["a: 1", "b=", { a: 1, b: "" }],
    ["a: 1", "b.c.d=x", { a: 1, b: { c: { d: "x" } } }],
    ["a: {b: 1}", "a.c=x", { a: { b: 1, c: "x" } }],
    ["a:", "a.c=x", { a: { c: "x" } }],
    ["a: [1, 2]", "a.0=x", { a: ["x", 2] }],
    ["a: [1, 2]", "a[1]=x", { a: [1, "x"] }],
    ["a: [1, 2]", "a[2]=x", { a: [1, 2, "x"] }],
    ["a: [{b: 1}]", "a[0].b=x", { a: [{ b: "x" }] }],
    ["a: 1", 'l."org.x"=y', { a: 1, l: { "org.x": "y" } }],
    ["a: 1", 'l."x=y"=z', { a: 1, l: { "x=y": "z" } }],
    ["a: 1", "a=[x, {y: 1}]", { a: ["x", { y: 1 }] }],
    ["a: 1", "a='1'", { a: "1" }],
    ["a: 1", "a=x: y", { a: "x: y" }],
    ["a: 1", "a=*x", { a: "*x" }],
  ])("%s with %s is %j", (text, setting, expected) => {
    expect(set(text, setting)).toEqual(expected);
  });

  it("say with their values where they come from", () => {
    expect(parseSetting("copy[0].exclude=[a]").value).toMatchObject({
      where: "--set copy[0].exclude",
      path: "copy[0].exclude",
      items: [{ where: "--set copy[0].exclude", path: "copy[0].exclude[0]" }],
    });
  });

  it.each(["", "a", "=x", ".a=x", "a.=x", "a..b=x", "[0]=x", 'a"b=x', '"a=x'])("%j is none", (text) => {
    expect(() => parseSetting(text)).toThrow(
      expect.objectContaining({
        code: "USAGE",
        message: `--set ${text.replace(/=.*/, "=…")} is not KEY=VALUE`,
      }),
    );
  });

  it.each([
    ["a: [1]", "a[2]=x", "--set a[2]: a is a list of 1, which has no 2"],
    ["a: [1]", "a.b=x", "--set a.b: a is a list of 1, which has no b"],
    ["a: x", "a.b=y", "--set a.b: a is text, which has no b"],
    ["a: x", "a=[1", "--set a:1:3: "],
  ])("that do not fit are refused: %s with %s", (text, setting, message) => {
    expect(() => set(text, setting)).toThrow(
      expect.objectContaining({ code: "USAGE", message: expect.stringContaining(message) }),
    );
  });
});
