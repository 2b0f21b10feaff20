import { describe, expect, test } from "vitest";
import { linksOf } from "../../scripts/house/module-imports.ts";

describe("every way to name a module is found", () => {
  test.each([
    ['import { a } from "./a.ts";', "value", "./a.ts"],
    ["import a from './a.ts'", "value", "./a.ts"],
    ['import * as a from "./a.ts";', "value", "./a.ts"],
    ['import "./a.ts";', "value", "./a.ts"],
    ['import {\n  a,\n  type B as C,\n} from "./a.ts";', "value", "./a.ts"],
    ['import type from "./a.ts";', "value", "./a.ts"],
    ['import a from "./a.json" with { type: "json" };', "value", "./a.json"],
    ['import {} from "./a.ts";', "value", "./a.ts"],
    ['import type { A } from "./a.ts";', "type", "./a.ts"],
    ['import type A from "./a.ts";', "type", "./a.ts"],
    ['import type * as a from "./a.ts";', "type", "./a.ts"],
    ['import { type A, type B as C } from "./a.ts";', "type", "./a.ts"],
    ['export { a } from "./a.ts";', "re-export", "./a.ts"],
    ['export type { A } from "./a.ts";', "re-export", "./a.ts"],
    ['export * from "./a.ts";', "re-export", "./a.ts"],
    ['export * as a from "./a.ts";', "re-export", "./a.ts"],
    ['const a = await import("./a.ts");', "dynamic", "./a.ts"],
    ['const all = [...(await import("./a.ts")).all];', "dynamic", "./a.ts"],
    ['function f(a: import("./a.ts").A) {}', "dynamic", "./a.ts"],
    ['const a = require("./a.ts");', "dynamic", "./a.ts"],
    ["const a = `one ${await import('./a.ts')} two`;", "dynamic", "./a.ts"],
    ["const a = `$\\{` + `${`${import('./a.ts')}`}`;", "dynamic", "./a.ts"],
    ["const a = await import(`./${name}.ts`);", "dynamic", undefined],
    ['const a = await import("./" + name);', "dynamic", undefined],
    ['const half = 1 / 2; /* import */ import "./a.ts"; const b = half / 2;', "value", "./a.ts"],
    ["const quote = /[/'\"`]/g; import './a.ts';", "value", "./a.ts"],
    ["const ratio = (a + b) / c; import './a.ts'; const s = d / e;", "value", "./a.ts"],
    ["#!/usr/bin/env node\nimport './a.ts';", "value", "./a.ts"],
  ])("%s", (text, kind, specifier) => {
    expect(linksOf(text).imports).toEqual([
      { kind, specifier, line: text.split("\n").findIndex((line) => /import|export|require/.test(line)) + 1 },
    ]);
  });
});

describe("what only looks like an import is not one", () => {
  test.each([
    ['// import "./a.ts"'],
    ['/* export * from "./a.ts" */'],
    ["const text = 'import \"./a.ts\"';"],
    ['const text = `import "./a.ts"`;'],
    ["const pattern = /import '.\\/a.ts'/;"],
    ["const url = import.meta.url;"],
    ['const a = { import: "./a.ts", export: "from" };'],
    ['module.import("./a.ts");'],
    ["class A { require(count: number) {} }"],
    ["export const from = 1;"],
    ['export { a };\nconst b = "from";'],
    ["export type A = { from: string };"],
  ])("%s", (text) => {
    expect(linksOf(text).imports).toEqual([]);
  });
});

test("an imported name that the module itself exports again is named with its line", () => {
  const text =
    'import { type A, b as c } from "./a.ts";\nconst d = 1;\nexport { d };\nexport { c as e };\nexport type { A };';
  expect(linksOf(text).discouragedExports).toEqual([
    { what: "c", line: 4 },
    { what: "A", line: 5 },
  ]);
});

test("a default export is named with its line", () => {
  expect(linksOf("const a = 1;\nexport default a;").discouragedExports).toEqual([
    { what: "default", line: 2 },
  ]);
});

test.each([
  ['import "./a.ts', /line 1: a string/],
  ["\n`${", /line 2: a template/],
  ["export function f() {", /line 1: a block/],
  ["\n\n/* open", /line 3: a comment/],
])("text that is not a complete module is refused: %j", (text, message) => {
  expect(() => linksOf(text)).toThrow(message);
});
