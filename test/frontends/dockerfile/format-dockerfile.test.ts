import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseBuildContext } from "../../../src/frontends/dockerfile/build-contexts.ts";
import { formatDockerfile } from "../../../src/frontends/dockerfile/format-dockerfile.ts";
import { planDockerfile } from "../../../src/frontends/dockerfile/plan-dockerfile.ts";
import { parseLocation } from "../../../src/model/location.ts";
import type { BaseImage, ComposePlan, CopySource, Stage } from "../../../src/plan/compose-plan.ts";
import type { Text } from "../../../src/plan/text.ts";
import { anyPlan, comparable } from "../support/any-plan.ts";

/** What a Dockerfile can say of a plan, and reads back in the same words. */
function sayable({ platform, platforms, builderPlatform, config, ...rest }: ComposePlan): ComposePlan {
  const { appendPlatforms, ...plan } = rest;
  const { healthcheck, author, exposedPorts, volumes, workdir, ...kept } = config;
  const { Test = [], ...times } = healthcheck ?? {};
  const check = {
    Test: ["CMD", ...(Array.isArray(Test) ? Test : [])],
    ...Object.fromEntries(
      Object.entries(times).map(([key, value]) => [
        key,
        key === "Retries" ? Number(value) + 1 : ((Number(value) % 1e6) + 1) * 1e6,
      ]),
    ),
  };
  return {
    ...sayableStage({ ...plan, config }),
    config: {
      ...kept,
      ...distinct("exposedPorts", exposedPorts),
      ...distinct("volumes", volumes),
      ...(author !== undefined && { author: "somebody <a@b>" }),
      ...(healthcheck !== undefined && { healthcheck: check }),
      ...(typeof workdir === "string" && { workdir }),
    },
  };
}

function distinct(key: string, texts: readonly Text[] = []): Record<string, Text[]> {
  const plain = [...new Set(texts)].filter(isPlain);
  return plain.length === 0 ? {} : { [key]: plain };
}

const isPlain = (text: Text): boolean => typeof text === "string";

/** Without working directories of steps, and with something in each stage. */
function sayableStage<S extends Omit<Stage, "config">>(stage: S): S {
  const copies = stage.copies.map(({ workdir, ...step }) => ({
    ...step,
    destination: isPlain(step.destination) ? step.destination : "/to/",
    from: sayableSource(step.from),
  }));
  const { base } = stage;
  const isKept = base.kind === "image" || ("name" in stage && !refers(stage));
  return { ...stage, copies, base: isKept ? base : someBase };
}

const someBase: BaseImage = { kind: "image", location: parseLocation("r.example/base:1") };

/** On scratch what variables stand for is known at once, and an image gets a PATH of the builder's. */
function refers(stage: object): boolean {
  return JSON.stringify(stage).includes('"parts"');
}

function sayableSource(source: CopySource): CopySource {
  if (source.kind !== "stage") return source;
  const { base, copies } = source.stage;
  if (copies.length === 0) return base.kind === "image" ? base : { kind: "local", directory: "." };
  return { kind: "stage", stage: { ...sayableStage(source.stage), config: {} } };
}

/** Whether no word depends on a variable that is known: a Dockerfile's are read with these put in. */
function isSettled(plan: ComposePlan): boolean {
  let isOpen = true;
  JSON.stringify(plan, (_, value) => {
    const isKnown =
      isSetVariable(value) &&
      Array.isArray(value.value) &&
      value.value.every((part) => typeof part === "string");
    if (isKnown) isOpen = false;
    return value;
  });
  return isOpen;
}

/** Reads a Dockerfile with what its first comment says goes with it, and what it has no words for taken over. */
function readBack(text: string, plan: ComposePlan): ComposePlan {
  const { targets, annotations, compression, format, record, historyComment } = plan;
  const words = [
    ...(/^# docker buildx build .*$/m.exec(text)?.[0] ?? "").matchAll(
      / (?:'((?:[^']|'\\'')*)'|\$'(?:[^'\\]|\\.)*'|([^ ']\S*))/g,
    ),
  ].map(([, quoted, bare]) => (quoted === undefined ? (bare ?? "") : quoted.replaceAll("'\\''", "'")));
  const contexts = words.filter((_, i) => words[i - 1] === "--build-context");
  const back = planDockerfile(text, {
    context: { kind: "local", directory: words.at(-1) ?? "" },
    buildContexts: contexts.map(parseBuildContext),
    buildArgs: {
      ...(text.includes("ARG COMPOSE_LINE_BREAK") && { COMPOSE_LINE_BREAK: "\n" }),
      ...(plan.sourceDateEpoch !== undefined && { SOURCE_DATE_EPOCH: String(plan.sourceDateEpoch) }),
    },
    flags: { tag: ["r.example/t:1"] },
  });
  return {
    ...back,
    targets,
    annotations,
    compression,
    record,
    ...(format !== undefined && { format }),
    ...(historyComment !== undefined && { historyComment }),
  };
}

/** Without what reading a Dockerfile adds: guards against triggers, and names of arguments and directories. */
function meant(plan: ComposePlan): unknown {
  return JSON.parse(
    JSON.stringify(comparable(plan), (key, value) => {
      if (key === "expectations" || key === "ignoreFiles") return undefined;
      if (key === "directory") return String(value).replace(/^\.\//, "");
      return isSetVariable(value) ? { ...value, variable: "set" } : value;
    }),
  );
}

function isSetVariable(value: unknown): value is { variable: string; value: unknown } {
  return typeof value === "object" && value !== null && "variable" in value && "value" in value;
}

describe("a plan as a Dockerfile", () => {
  it("reads back as the same plan, whatever is in it", () => {
    fc.assert(
      fc.property(anyPlan.map(sayable).filter(isSettled), (plan) => {
        const text = formatDockerfile(plan);
        expect(meant(readBack(text, plan)), text).toEqual(meant(plan));
      }),
      { numRuns: 150 },
    );
  });
});
