import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { hostsToml } from "../../../src/mirror/far-side/hosts-toml.ts";
import { mirrorSets } from "../../../src/mirror/far-side/mirror-sets.ts";
import { registriesConf } from "../../../src/mirror/far-side/registries-conf.ts";
import { mirror, namesOf } from "./support.ts";

const document = readFileSync(new URL("../../../docs/far-side.md", import.meta.url), "utf8");

test("docs/far-side.md shows what is written for the names in its table", () => {
  const rows = [...document.matchAll(/^\| `(\S+)` \| `(\S+)` \|$/gm)];
  const names = namesOf(...rows.map(([, name, target]) => `${name} > ${target}`));
  const blocks = (language: string): (string | undefined)[] =>
    [...document.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(
      ([, text]) => text,
    );
  expect(names).toHaveLength(3);
  const files = hostsToml(names, mirror);
  expect(blocks("toml")).toEqual([registriesConf(names, mirror), ...files.map(({ text }) => text)]);
  for (const { path } of files) expect(document).toContain(`\`${path}\``);
  expect(blocks("yaml")).toEqual([mirrorSets(names, mirror)]);
});
