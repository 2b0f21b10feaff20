import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { linksOf } from "../../scripts/house/module-imports.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));

/** The module and all that it loads, by their paths. */
async function modulesBelow(entry: string, found = new Map<string, string>()): Promise<Map<string, string>> {
  if (found.has(entry)) return found;
  const text = await readFile(entry, "utf8");
  found.set(entry, text);
  for (const { kind, specifier } of linksOf(text).imports) {
    if (kind !== "type" && specifier?.startsWith("."))
      await modulesBelow(join(entry, "..", specifier), found);
  }
  return found;
}

// Node 22 takes the types out of such modules, and knows no `using`.
test.each(["test/fuzz/worker.ts"])("what %s loads unbuilt has no `using`", async (entry) => {
  const modules = await modulesBelow(join(project, entry));
  expect(modules.size).toBeGreaterThan(50);
  const users = [...modules].filter(([, text]) => /^\s*(?:await )?using \w+ =/m.test(text));
  expect(users.map(([path]) => relative(project, path))).toEqual([]);
});
