import { beforeAll, describe, expect, it } from "vitest";
import {
  caseName,
  composeCase,
  type DockerfileInputs,
  dockerfileInputs,
  readDockerfileCases,
} from "../../support/dockerfile-cases.ts";
import { flatLine } from "../../support/flat-image.ts";

const cases = await readDockerfileCases();

describe("a Dockerfile makes what fixtures/dockerfile/cases.yaml says", () => {
  let inputs: DockerfileInputs;

  beforeAll(async () => {
    inputs = await dockerfileInputs();
  });

  it("in at least 80 cases that differ in instruction and form", () => {
    expect(new Set(cases.map(caseName)).size).toBe(cases.length);
    expect(cases.length).toBeGreaterThanOrEqual(80);
  });

  it.each(cases.map((each, i) => ({ ...each, i, name: caseName(each) })))("$name", async (each) => {
    const image = await composeCase(each, inputs, `case-${each.i}`);
    const lines = [...image.files].map(([path, file]) => flatLine(path, file));
    expect(lines).toEqual(expect.arrayContaining([...(each.files ?? [])]));
    expect((each.absent ?? []).filter((path) => image.files.has(path))).toEqual([]);
    const config: Record<string, unknown> = { ...image.config, author: image.author };
    for (const [key, value] of Object.entries(each.config ?? {})) {
      expect(config[key] ?? null, key).toEqual(value);
    }
  });
});
