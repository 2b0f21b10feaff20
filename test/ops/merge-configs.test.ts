import { expect, test } from "vitest";
import { type ImageConfig, parseConfig } from "../../src/model/config.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { mergeConfigs, type OwnSettings } from "../../src/ops/merge-configs.ts";

const nothingOwn: OwnSettings = {
  fields: new Set(),
  env: new Set(),
  keys: { Labels: new Set(), ExposedPorts: new Set(), Volumes: new Set() },
};

const configOf = (config: JsonObject, more: JsonObject = {}): ImageConfig =>
  parseConfig(Buffer.from(JSON.stringify({ architecture: "amd64", os: "linux", config, ...more })), "it");

/** The merged `config` of three. */
const merge = (
  oldBase: JsonObject,
  application: JsonObject,
  newBase: JsonObject,
  own: Partial<OwnSettings> = {},
) =>
  mergeConfigs(
    { oldBase: configOf(oldBase), application: configOf(application), newBase: configOf(newBase) },
    { ...nothingOwn, ...own },
  ).config;

test.each<[string, JsonObject, JsonObject, JsonObject, JsonObject]>([
  ["what came from the old base follows the new", { User: "a" }, { User: "a" }, { User: "b" }, { User: "b" }],
  ["what the application set stays", { User: "a" }, { User: "x" }, { User: "b" }, { User: "x" }],
  ["what the application took out stays out", { User: "a" }, {}, { User: "b" }, {}],
  ["what the new base no longer says goes", { User: "a" }, { User: "a" }, {}, {}],
  ["what is new in the new base comes", {}, {}, { User: "b" }, { User: "b" }],
  ["lists are taken as a whole", { Cmd: ["a", "b"] }, { Cmd: ["a", "b"] }, { Cmd: ["c"] }, { Cmd: ["c"] }],
  [
    "variables are merged one by one, in the application's order",
    { Env: ["PATH=/a", "B=1", "C=1", "D=1"] },
    { Env: ["OWN=1", "PATH=/a", "B=2", "C=1"] },
    { Env: ["PATH=/b", "B=3", "D=2", "E=1"] },
    { Env: ["OWN=1", "PATH=/b", "B=2", "E=1"] },
  ],
  [
    "labels, ports and volumes too",
    { Labels: { a: "1", b: "1" }, ExposedPorts: { "80/tcp": {} }, Volumes: { "/old": {} } },
    { Labels: { a: "1", b: "x" }, ExposedPorts: { "80/tcp": {}, "1/tcp": {} }, Volumes: { "/old": {} } },
    { Labels: { a: "2", b: "2", c: "2" }, ExposedPorts: { "90/tcp": {} } },
    { Labels: { a: "2", b: "x", c: "2" }, ExposedPorts: { "1/tcp": {}, "90/tcp": {} }, Volumes: {} },
  ],
  [
    "an application's entrypoint keeps the new base's command away",
    { Entrypoint: ["base"] },
    { Entrypoint: ["own"] },
    { Entrypoint: ["base"], Cmd: ["--new"] },
    { Entrypoint: ["own"] },
  ],
  [
    "fields that are not known are merged as a whole",
    { Future: { a: 1 }, ArgsEscaped: true },
    { Future: { a: 1 }, ArgsEscaped: true },
    { Future: { a: 2 } },
    { Future: { a: 2 } },
  ],
])("%s", (_, oldBase, application, newBase, expected) => {
  expect(merge(oldBase, application, newBase)).toEqual(expected);
});

test("what is recorded as the application's own stays even where its base said the same", () => {
  const base = { User: "web", Env: ["A=1"], Labels: { a: "1" } };
  const own = {
    fields: new Set(["User"]),
    env: new Set(["A"]),
    keys: { ...nothingOwn.keys, Labels: new Set(["a"]) },
  };
  expect(merge(base, base, { User: "root", Env: ["A=2"], Labels: { a: "2" } }, own)).toEqual(base);
});

test("bases that say the same leave the application's as it is, a variable that is there twice included", () => {
  const application = { Env: ["A=1", "B=1", "A=2"], WorkingDir: "" };
  expect(merge({ Env: ["B=1"] }, application, { Env: ["B=1"] })).toEqual(application);
});

test("the document's other fields are merged, its layers and times left to others", () => {
  const document = mergeConfigs(
    {
      oldBase: configOf({}, { author: "base", "os.version": "1" }),
      application: configOf({}, { author: "me", "os.version": "1", created: "2026-01-01T00:00:00Z" }),
      newBase: configOf({}, { author: "base", "os.version": "2", created: "2027-01-01T00:00:00Z" }),
    },
    nothingOwn,
  );
  expect(document).toMatchObject({ author: "me", "os.version": "2", created: "2026-01-01T00:00:00Z" });
});

test("a label called __proto__ is a label", () => {
  const labels = JSON.parse('{"Labels":{"__proto__":"x"}}');
  const merged = merge({}, labels, { Labels: { a: "1" } });
  expect(JSON.stringify(merged)).toBe('{"Labels":{"__proto__":"x","a":"1"}}');
});
