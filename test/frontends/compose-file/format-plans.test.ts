import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatPlans } from "../../../src/frontends/compose-file/format-plans.ts";
import { parseComposeFlags } from "../../../src/frontends/flags/compose-flags.ts";
import { parseComposeFile } from "../../../src/frontends/plans.ts";
import { type ImageLocation, parseLocation } from "../../../src/model/location.ts";
import type { Platform } from "../../../src/model/platform.ts";
import type { ComposePlan, ConfigChanges, CopyStep } from "../../../src/plan/compose-plan.ts";
import { imageSource } from "../../../src/plan/copy-source.ts";

const location = fc.constantFrom(
  ...[
    "r.example/a:1",
    "node:24",
    `localhost:5000/x/y@sha256:${"a".repeat(64)}`,
    "oci:dir",
    "oci:a b/$x:v1",
  ].map(parseLocation),
);
/** Texts that YAML could take for something else, variables among them. */
const text = fc.oneof(
  fc.string({ minLength: 1, unit: "grapheme" }),
  fc.constantFrom(
    "null",
    "true",
    "0755",
    "1e3",
    "- a",
    "a: b",
    "#",
    " ",
    "\n",
    "$",
    "${A}",
    "$$",
    "'",
    '"',
    "…",
    "\u0000",
    "\u2028",
  ),
);
const texts = fc.array(text, { maxLength: 3 });
const dictionary = fc.dictionary(text, fc.oneof(text, fc.constant("")), { minKeys: 1, maxKeys: 4 });
const path = text.map((name) => `/${name.replaceAll(/[*?[\\]|\.\./g, "x")}`);
const owner = fc.constantFrom({ user: 0 }, { user: "web", group: 50 }, { group: "staff" });
const knownPlatforms: readonly Platform[] = [
  { os: "linux", architecture: "arm64" },
  { os: "linux", architecture: "arm", variant: "v7" },
  { os: "linux", architecture: "amd64" },
];
const platform = fc.constantFrom(...knownPlatforms);

const optional = <T extends object>(record: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(record, { requiredKeys: [] });

const config: fc.Arbitrary<ConfigChanges> = optional<Required<ConfigChanges>>({
  env: dictionary,
  labels: dictionary,
  exposedPorts: fc.array(fc.constantFrom("80/tcp", "53/udp", "9/sctp"), { minLength: 1 }),
  volumes: fc.array(path, { minLength: 1, maxLength: 2 }),
  workdir: path,
  user: text,
  entrypoint: texts,
  cmd: texts,
  shell: fc.array(text, { minLength: 1, maxLength: 3 }),
  stopSignal: fc.constantFrom("SIGTERM", "SIGRTMIN+3", "9"),
  healthcheck: fc.record(
    {
      Test: fc.array(text, { minLength: 1, maxLength: 3 }),
      Interval: fc.nat().map((ms) => ms * 1_000_000),
      Timeout: fc.nat(),
      StartPeriod: fc.nat().map((s) => s * 1_000_000_000),
      StartInterval: fc.constant(0),
      Retries: fc.nat(100),
    },
    { requiredKeys: ["Test"] },
  ),
});

const copy: fc.Arbitrary<CopyStep> = fc
  .record({
    from: location.map(imageSource),
    sources: fc.array(path, { minLength: 1, maxLength: 3 }),
    destination: path.map((each) => `${each}/`),
    exclude: texts,
    link: fc.boolean(),
    options: optional<{ chown: typeof owner extends fc.Arbitrary<infer T> ? T : never; chmod: number }>({
      chown: owner,
      chmod: fc.nat(0o7777),
    }),
  })
  .map(({ options, ...step }) => ({ ...step, ...options }));

const plan: fc.Arbitrary<ComposePlan> = fc
  .record({
    base: fc.oneof(
      fc.constant<ComposePlan["base"]>({ kind: "scratch" }),
      location.map((each): ComposePlan["base"] => ({ kind: "image", location: each })),
    ),
    copies: fc.array(copy, { minLength: 1, maxLength: 3 }),
    config,
    annotations: fc.oneof(dictionary, fc.constant({})),
    compression: fc.oneof(
      fc.nat(9).map((level): ComposePlan["compression"] => ({ algorithm: "gzip", level })),
      fc.constant<ComposePlan["compression"]>({ algorithm: "none" }),
    ),
    record: fc.constantFrom<ComposePlan["record"]>("annotations", "none"),
    platforms: fc.oneof(
      fc.constant<Pick<ComposePlan, "platform" | "platforms">>({}),
      platform.map((only) => ({ platform: only })),
      fc.constant({ platforms: "all" as const }),
      fc.shuffledSubarray([...knownPlatforms], { minLength: 2 }).map((several) => ({ platforms: several })),
    ),
    options: optional<
      Required<
        Pick<
          ComposePlan,
          "appendPlatforms" | "builderPlatform" | "format" | "sourceDateEpoch" | "historyComment"
        >
      >
    >({
      appendPlatforms: fc.boolean(),
      builderPlatform: platform,
      format: fc.constantFrom("oci", "docker"),
      sourceDateEpoch: fc.nat(),
      historyComment: text,
    }),
  })
  .map(({ options, platforms, ...rest }) => ({
    ...rest,
    ...platforms,
    ...options,
    targets: [parseLocation("r.example/t:1")],
  }));

/** As it is where nobody shares: only what is said counts. */
const parsed = (yaml: string): ComposePlan[] => parseComposeFile(yaml);

describe("a plan as YAML", () => {
  it("reads back as the same plan, whatever is in it", () => {
    fc.assert(
      fc.property(plan, (one) => {
        const yaml = formatPlans([one]);
        const [back] = parsed(yaml);
        expect(back).toEqual(one);
        expect(formatPlans(back === undefined ? [] : [back])).toBe(yaml);
      }),
      { numRuns: 500 },
    );
  });

  it("is as many documents as there are plans", () => {
    const targets = (name: string): readonly ImageLocation[] => [parseLocation(name)];
    fc.assert(
      fc.property(plan, plan, (one, two) => {
        const plans = [
          { ...one, targets: targets("x:1") },
          { ...two, targets: targets("x:2") },
        ];
        expect(parsed(formatPlans(plans))).toEqual(plans);
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
