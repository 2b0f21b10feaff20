import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { composeFileSchema } from "../../../src/frontends/compose-file/json-schema.ts";
import { wrongFiles } from "./wrong-files.ts";

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
const validate = ajv.compile(composeFileSchema());

describe("the schema", () => {
  it("is valid JSON Schema 2020-12", () => {
    expect(ajv.validateSchema(composeFileSchema())).toBe(true);
    expect(composeFileSchema()).toMatchObject({ $schema: "https://json-schema.org/draft/2020-12/schema" });
  });

  it("tells what each key is for", () => {
    const { properties } = composeFileSchema();
    for (const [key, property] of Object.entries(properties ?? {})) {
      expect(property, key).toMatchObject({ description: expect.stringMatching(/^[A-Z].*\.$/) });
    }
  });

  it.each(wrongFiles.filter(({ isFineForSchema }) => isFineForSchema !== true))(
    "finds the fault that the command finds: $message",
    ({ text }) => {
      const documents = parseAllDocuments(text);
      const values = Array.isArray(documents) ? documents.map((document) => document.toJS()) : [];
      expect(values.map((value) => validate(value))).toContain(false);
    },
  );

  it.each(["link: '${LINK}'", "chmod: '${MODE}'", "chown: 1000", "chmod: 0755", "exclude: ['*.md']"])(
    "accepts %s in a copy step, as the command does",
    (line) => {
      const [document] = [parseAllDocuments(`copy: [{src: /a, ${line}}]`)].flat();
      expect(validate(document?.toJS()), JSON.stringify(validate.errors)).toBe(true);
    },
  );

  it.each([
    "sourceDateEpoch: ${EPOCH}",
    "sourceDateEpoch: 1700000000",
    "compression: gzip:${LEVEL:-6}",
    "compression: zstd:19",
    "record: ${RECORD}",
    "stopSignal: 9",
    "expose: [80, 53/udp, '${PORT}']",
    "entrypoint: node",
    "entrypoint: []",
    "env: {A: 1, B: true, C: x}",
    "env: {PATH: '/app:${base:PATH}'}",
    "workdir: [/a, b]",
    "stages: {build: {base: 'b:1', platform: arm64, copy: [{src: /a, from: x, workdir: /b}], workdir: /c}}",
    "healthcheck: {test: [CMD, x], retries: 3, interval: 5s}",
  ])("accepts %s, as the command does", (line) => {
    const [document] = [parseAllDocuments(line)].flat();
    expect(validate(document?.toJS()), JSON.stringify(validate.errors)).toBe(true);
  });
});
