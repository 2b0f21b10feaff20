import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseBuildContext } from "../../../src/frontends/dockerfile/build-contexts.ts";
import { formatDockerfile } from "../../../src/frontends/dockerfile/format-dockerfile.ts";
import { planDockerfile } from "../../../src/frontends/dockerfile/plan-dockerfile.ts";
import type { ComposePlan } from "../../../src/plan/compose-plan.ts";
import { anyPlan } from "../support/any-plan.ts";

/** What a Dockerfile can say of a plan. */
function sayable({ platform, builderPlatform, config, ...plan }: ComposePlan): ComposePlan {
  const { healthcheck, author, exposedPorts, volumes, ...rest } = config;
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
    ...plan,
    config: {
      ...rest,
      ...(exposedPorts !== undefined && { exposedPorts: [...new Set(exposedPorts)] }),
      ...(volumes !== undefined && { volumes: [...new Set(volumes)] }),
      ...(author !== undefined && { author: "somebody <a@b>" }),
      ...(healthcheck !== undefined && { healthcheck: check }),
    },
  };
}

/** Reads a Dockerfile with what its first comment says goes with it, and what it has no words for taken over. */
function readBack(text: string, plan: ComposePlan): ComposePlan {
  const { targets, annotations, compression, format, record, historyComment } = plan;
  const contexts = [...text.matchAll(/--build-context (?:'([^']*)'|(\S+))/g)];
  const { expectations: _, ...back } = planDockerfile(text, {
    context: { kind: "local", directory: "." },
    buildContexts: contexts.map(([, quoted, bare]) => parseBuildContext(quoted ?? bare ?? "")),
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

describe("a plan as a Dockerfile", () => {
  it("reads back as the same plan, whatever is in it", () => {
    fc.assert(
      fc.property(anyPlan.map(sayable), (plan) => {
        const text = formatDockerfile(plan);
        expect(readBack(text, plan), text).toEqual(plan);
      }),
      { numRuns: 500 },
    );
  });
});
