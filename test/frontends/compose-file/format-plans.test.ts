import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatPlans } from "../../../src/frontends/compose-file/format-plans.ts";
import { parseComposeFlags } from "../../../src/frontends/flags/compose-flags.ts";
import { parseComposeFile } from "../../../src/frontends/plans.ts";
import { type ImageLocation, parseLocation } from "../../../src/model/location.ts";
import type { ComposePlan } from "../../../src/plan/compose-plan.ts";
import { anyPlan, comparable } from "../support/any-plan.ts";

/** As it is where nobody shares: only what is said counts. */
const parsed = (yaml: string): ComposePlan[] => parseComposeFile(yaml);

describe("a plan as YAML", () => {
  it("reads back as the same plan, whatever is in it", () => {
    fc.assert(
      fc.property(anyPlan, (one) => {
        const yaml = formatPlans([one]);
        const [back] = parsed(yaml);
        expect(comparable(back)).toEqual(comparable(one));
        expect(formatPlans(back === undefined ? [] : [back])).toBe(yaml);
      }),
      { numRuns: 500 },
    );
  });

  it("keeps a line that is one space, in a text that has to be quoted", () => {
    const flags = { base: "node:24", tag: ["r.example/app"], builder: "b", directory: ["/a"] };
    const value = `a\n \n\u0000${"long ".repeat(20)}`;
    const plan = parseComposeFlags({ ...flags, env: { TEXT: value } });
    expect(parsed(formatPlans([plan]))[0]?.config.env).toEqual({ TEXT: value });
  });

  it("is as many documents as there are plans", () => {
    const targets = (name: string): readonly ImageLocation[] => [parseLocation(name)];
    fc.assert(
      fc.property(anyPlan, anyPlan, (one, two) => {
        const plans = [
          { ...one, targets: targets("x:1") },
          { ...two, targets: targets("x:2") },
        ];
        expect(comparable(parsed(formatPlans(plans)))).toEqual(comparable(plans));
      }),
      { numRuns: 50 },
    );
  });

  it("has its references, paths and defaults written out", () => {
    const flags = {
      builder: "app-builder",
      base: "node:24",
      directory: ["/opt/app:/run/app", "etc/x"],
      tag: ["r.example/app"],
      env: { PRICE: "5$" },
      chmod: "755",
      expose: ["80"],
    };
    expect(formatPlans([parseComposeFlags(flags)])).toBe(`builder: docker.io/library/app-builder:latest
base: docker.io/library/node:24
copy:
  - src: /opt/app
    dst: /run/app
    chmod: "0755"
  - src: etc/x
    dst: /etc/x
    chmod: "0755"
env:
  PRICE: 5$$
expose:
  - 80/tcp
tags:
  - r.example/app:latest
compression: gzip:6
record: annotations
`);
  });

  it("names for each step where it copies from, where that differs", () => {
    const [plan] = parsed(`builders: {a: "a:1", b: "b:1"}
base: scratch
copy: [{from: a, src: /x}, {from: b, src: /y}]
tags: [t]
`);
    const yaml = formatPlans(plan === undefined ? [] : [plan]);
    expect(yaml).toContain("  - from: docker.io/library/a:1\n    src: /x\n");
    expect(yaml).not.toContain("builder");
    expect(parsed(yaml)).toEqual([plan]);
  });
});
