import { digestOf } from "../../src/model/digest.ts";
import { isJsonObject, type JsonObject } from "../../src/model/json.ts";
import { jsonInput } from "./json-input.ts";
import type { Random } from "./random.ts";

const digest = digestOf(Buffer.from("content"));
const template = {
  parts: [
    "/app:",
    { variable: "PATH", modifier: { operator: ":-", word: ["x", { variable: "A" }] } },
    { variable: "B", value: ["1"], modifier: { operator: "//", pattern: ["*"], replacement: [] } },
  ],
};

/** A record with everything in it, by the ends of its keys. */
const whole: JsonObject = {
  builders: [
    { reference: "registry.example/app:1", digest, platform: "linux/arm64" },
    { digest },
    { local: true },
  ],
  stages: [
    { base: 0, platform: "linux/amd64", workdir: ["/w"], copy: [{ from: 2, src: ["/a"], dst: "/b" }] },
  ],
  copy: [
    { from: 0, src: ["/a", "/b*"], dst: "/c/", chown: "1:2", chmod: "0755", exclude: ["*.map"], link: true },
    { stage: 0, src: [template], dst: "d", workdir: [template] },
    { from: 1, src: ["/a"], dst: template, parents: true },
  ],
  config: {
    ...{ env: { A: "b", PATH: template }, labels: { a: "b" }, exposedPorts: ["80/tcp"], volumes: ["/v"] },
    ...{
      workdir: ["/w", "x"],
      user: "1:2",
      entrypoint: ["/x"],
      cmd: [],
      stopSignal: "SIGTERM",
      author: "me",
    },
    ...{ healthcheck: { Test: ["CMD", "x"], Interval: 1_000_000_000, Retries: 3 }, shell: ["/bin/sh", "-c"] },
  },
  options: { compression: "gzip:9", format: "docker", sourceDateEpoch: 7 },
};

/** Annotations with a record, some of its values replaced, and now and then some characters. */
export function recordInput(random: Random): Record<string, string> {
  const text = jsonInput(random, whole).toString("utf8");
  const parts = new Map(Object.entries(parsed(text) ?? { copy: text }));
  const annotations = [...parts].map(([part, value]): [string, string] => [
    `io.github.compose-image.${part}`,
    typeof value === "string" && random.percent(50) ? value : textOf(value),
  ]);
  return {
    ...Object.fromEntries(annotations),
    ...(random.percent(50) && { "org.opencontainers.image.base.digest": random.percent(90) ? digest : "x" }),
    ...(random.percent(40) && {
      "org.opencontainers.image.base.name": random.pick(["registry.example/base:1", "a b", ""]),
    }),
  };
}

/** What is nested deeper than a call stack comes as it is read. */
function textOf(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return "[".repeat(90_000) + "]".repeat(90_000);
  }
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
