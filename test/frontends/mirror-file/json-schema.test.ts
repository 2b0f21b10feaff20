import { readFile } from "node:fs/promises";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { mirrorFileSchema } from "../../../src/frontends/mirror-file/json-schema.ts";
import { parseMirrorFile } from "../../../src/frontends/mirror-file/mirror-file.ts";
import { wrongMirrorFiles } from "./wrong-mirror-files.ts";

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
const validate = ajv.compile(mirrorFileSchema());

const document = await readFile(new URL("../../../docs/mirror-file.md", import.meta.url), "utf8");
const examples = [...document.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = ""]) => text);

const digest = `sha256:${"0".repeat(64)}`;

/** A mapping with any of these keys. */
const some = (keys: Readonly<Record<string, unknown[]>>) =>
  fc
    .record(
      Object.fromEntries(Object.entries(keys).map(([key, values]) => [key, fc.constantFrom(...values)])),
      { requiredKeys: [] },
    )
    .map((mapping): Record<string, unknown> => ({ ...mapping }));

const rule = fc.constantFrom<unknown>(
  "bookworm",
  1.1,
  12,
  true,
  "*-slim",
  "${TAG}",
  { glob: "a?" },
  { regex: "^v[0-9]+(\\.[0-9]+)*$" },
  { semver: ">=1.2 <2 || 3.x" },
  { semver: 1, prereleases: true },
);

const repository = fc
  .tuple(
    fc.uniqueArray(rule, { minLength: 0, maxLength: 4 }),
    some({
      exclude: [[], ["*-debug", { regex: "[0-9a-f]{40}" }]],
      digests: [[digest]],
      latest: [1, 12, "3"],
      maxAge: ["90d", "1w2d", "${AGE}"],
      platforms: ["all", "arm64", ["linux/amd64", "linux/arm/v7"]],
      referrers: [true, false],
    }),
  )
  .map(([tags, others]) => ({ tags: [{ glob: "all-*" }, ...tags], ...others }));

const file = fc
  .tuple(
    fc.array(repository, { minLength: 1, maxLength: 3 }),
    some({
      map: [
        [],
        [
          { replace: "registry.example", with: "" },
          { replace: "docker.io/library/", with: "hub/" },
        ],
      ],
      prefix: ["mirrors", "a/b/"],
      platforms: ["all", ["amd64"]],
      referrers: [false],
      hosts: [
        {},
        { "*": { requestsPerSecond: 0.5 }, "a.example:5000": { bytesPerSecond: "20MB", concurrency: 3 } },
      ],
    }),
    fc.boolean(),
  )
  .map(([repositories, others, areNamed]) => ({
    repositories: repositories.map((each, i) => ({
      name: `registry.example/team/app${i}`,
      ...each,
      ...(areNamed && { as: `apps/${i}` }),
    })),
    ...others,
  }));

describe("the schema of mirror.yaml", () => {
  it("is valid JSON Schema 2020-12, and tells what each key is for", () => {
    expect(ajv.validateSchema(mirrorFileSchema())).toBe(true);
    const { $schema, properties } = mirrorFileSchema();
    expect($schema).toBe("https://json-schema.org/draft/2020-12/schema");
    for (const [key, property] of Object.entries(properties ?? {})) {
      expect(property, key).toMatchObject({ description: expect.stringMatching(/^[A-Z].*\.$/) });
    }
  });

  it.each(wrongMirrorFiles.filter(({ isFineForSchema }) => isFineForSchema !== true))(
    "finds the fault that the command finds: $message",
    ({ text }) => {
      expect(validate(parse(text))).toBe(false);
    },
  );

  it("accepts any right file, as the command does", () => {
    fc.assert(
      fc.property(file, (value) => {
        expect(validate(value), JSON.stringify(validate.errors)).toBe(true);
        const text = stringify(value, { aliasDuplicateObjects: false });
        const used = ["TAG", "AGE"].filter((name) => text.includes(`\${${name}}`));
        const variables = Object.fromEntries(used.map((name) => [name, name === "TAG" ? "trixie" : "36h"]));
        expect(parseMirrorFile(text, { variables }).repositories).toHaveLength(value.repositories.length);
      }),
      { numRuns: 500 },
    );
  });

  it("accepts the files that its document shows, as the command does", () => {
    expect(examples.length).toBeGreaterThan(3);
    for (const text of examples) {
      expect(validate(parse(text)), `${text}\n${JSON.stringify(validate.errors)}`).toBe(true);
      const variables = text.includes("${VERSION}") ? { VERSION: "1.2.3" } : {};
      expect(parseMirrorFile(text, { variables }).repositories.length).toBeGreaterThan(0);
    }
  });
});
