import { readFileSync } from "node:fs";
import { expect } from "vitest";

/** Ids of the rows of the tables in a document of `docs/`. */
export function readRows(document: string): string[] {
  const text = readFileSync(new URL(`../../docs/${document}`, import.meta.url), "utf8");
  const rows = text.matchAll(/^\| ([a-z][a-z0-9-]*) \|/gm);
  return [...rows].flatMap(([, id = ""]) => (id === "id" ? [] : id));
}

/** The row that a case called `ROW` or `ROW--VARIANT` is of. */
export function rowOf(name: string): string {
  return name.replace(/--.*$/, "");
}

/** Expects a case for every row, a row for every case, and no id twice. */
export function expectCovered(rows: readonly string[], names: readonly string[]): void {
  const covered = new Set(names.map(rowOf));
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.filter((row) => !covered.has(row))).toEqual([]);
  expect([...covered].filter((row) => !rows.includes(row))).toEqual([]);
  expect(rows.filter((row, i) => rows.indexOf(row) !== i)).toEqual([]);
}
