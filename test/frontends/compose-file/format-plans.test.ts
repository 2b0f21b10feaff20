import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatPlans } from "../../../src/frontends/compose-file/format-plans.ts";
import { parseComposeFlags } from "../../../src/frontends/flags/compose-flags.ts";
import { parseComposeFile } from "../../../src/frontends/plans.ts";
import { type ImageLocation, parseLocation } from "../../../src/model/location.ts";
import type {
  ComposePlan,
  ConfigChanges,
  CopySource,
  CopyStep,
  Stage,
} from "../../../src/plan/compose-plan.ts";
import { imageSource, parseCopySource } from "../../../src/plan/copy-source.ts";
import { textOf } from "../../../src/plan/expand-text.ts";
import {
  isTemplate,
  type Text,
  type TextParts,
  type VariableModifier,
  type VariablePart,
} from "../../../src/plan/text.ts";

const location = fc.constantFrom(
  ...[
    "r.example/a:1",
    "node:24",
    `localhost:5000/x/y@sha256:${"a".repeat(64)}`,
    "oci:dir",
    "oci:a b/$x:v1",
    "oci-archive:a b.tar:v1",
    "docker-archive:-:r.example:5000/app:1",
  ].map(parseLocation),
);
const directory = fc.constantFrom(
  ...["local:.", "local:a b/$x", "local:#"].map((name) => parseCopySource(name, "")),
  { kind: "local", directory: "a b/$x", ignoreFiles: ["$f.dockerignore", "a b/$x/#"] } as const,
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
/** Pieces of text, with the characters that mean something in a reference. */
const piece = fc.oneof(text, fc.constantFrom("}", "/", "$}", "{", "\\}", "\\/", "#", "%", ":-", "base:"));
const { parts } = fc.letrec<{ parts: TextParts; variable: VariablePart; modifier: VariableModifier }>(
  (tie) => ({
    parts: fc.array(fc.oneof({ depthSize: "small" }, piece, tie("variable")), { maxLength: 3 }),
    variable: fc
      .record(
        { variable: fc.constantFrom("PATH", "_x", "A1"), value: tie("parts"), modifier: tie("modifier") },
        { requiredKeys: ["variable"] },
      )
      .map((each) => each),
    modifier: fc.oneof(
      fc.record({
        operator: fc.constantFrom<":-" | "-" | ":+" | "+" | ":?" | "?">(":-", "-", ":+", "+", ":?", "?"),
        word: tie("parts"),
      }),
      fc.record({
        operator: fc.constantFrom<"#" | "##" | "%" | "%%">("#", "##", "%", "%%"),
        pattern: tie("parts"),
      }),
      fc.record({
        operator: fc.constantFrom<"/" | "//">("/", "//"),
        pattern: tie("parts"),
        replacement: tie("parts"),
      }),
    ),
  }),
);
/** What is expanded at once may be at fault; such texts no plan has. */
const template = parts.map((each): Text => {
  try {
    return textOf(each, "");
  } catch {
    return "x";
  }
});
const anyText = fc.oneof(text, template.filter(isTemplate));
const anyDictionary = fc.dictionary(text, fc.oneof(anyText, fc.constant("")), { minKeys: 1, maxKeys: 4 });
const path = text.map((name) => `/${name.replaceAll(/[*?[\\]|\.\./g, "x")}`);
const anyPath = fc.oneof(path, template.filter(isTemplate));
const owner = fc.constantFrom({ user: 0 }, { user: "web", group: 50 }, { group: "staff" });
const platform = fc.constantFrom(
  { os: "linux", architecture: "arm64" },
  { os: "linux", architecture: "arm", variant: "v7" },
);

const optional = <T extends object>(record: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(record, { requiredKeys: [] });

const config: fc.Arbitrary<ConfigChanges> = optional<Required<ConfigChanges>>({
  env: anyDictionary,
  labels: anyDictionary,
  exposedPorts: fc.array(
    fc.oneof(fc.constantFrom("80/tcp", "53/udp", "9/sctp"), template.filter(isTemplate)),
    {
      minLength: 1,
    },
  ),
  volumes: fc.array(anyPath, { minLength: 1, maxLength: 2 }),
  workdir: fc.oneof(anyPath, fc.array(anyPath, { maxLength: 3 })),
  user: anyText,
  entrypoint: texts,
  cmd: texts,
  shell: fc.array(text, { minLength: 1, maxLength: 3 }),
  stopSignal: fc.oneof(fc.constantFrom("SIGTERM", "SIGRTMIN+3", "9"), template.filter(isTemplate)),
  author: text,
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

const copyFrom = (from: fc.Arbitrary<CopySource>): fc.Arbitrary<CopyStep> =>
  fc
    .record({
      from,
      sources: fc.array(anyPath, { minLength: 1, maxLength: 3 }),
      destination: fc.oneof(
        path.map((each) => `${each}/`),
        template.filter(isTemplate),
      ),
      exclude: fc.array(anyText, { maxLength: 3 }),
      link: fc.boolean(),
      options: optional<Required<Pick<CopyStep, "chown" | "chmod" | "workdir">>>({
        chown: fc.oneof(owner, template.filter(isTemplate)),
        chmod: fc.oneof(fc.nat(0o7777), template.filter(isTemplate)),
        workdir: fc.array(anyPath, { maxLength: 2 }),
      }),
    })
    .map(({ options, ...step }) => ({ ...step, ...options }));

const baseImage = fc.oneof(
  fc.constant<ComposePlan["base"]>({ kind: "scratch" }),
  location.map((each): ComposePlan["base"] => ({ kind: "image", location: each })),
);

const origin = fc.oneof(location.map(imageSource), directory);

/** Stages on top of each other; each may copy from those before. */
const source: fc.Arbitrary<CopySource> = fc
  .array(
    fc.record({
      base: baseImage,
      copies: fc.array(fc.tuple(copyFrom(origin), fc.nat(3)), { maxLength: 2 }),
      options: optional<Required<Pick<Stage, "platform" | "config">>>({
        platform,
        config: optional<Required<Stage["config"]>>({ workdir: fc.oneof(anyPath, fc.array(anyPath)) }),
      }),
    }),
    { maxLength: 3 },
  )
  .map((drafts): CopySource => {
    const stages: CopySource[] = [];
    for (const { base, copies, options } of drafts) {
      const { config = {}, ...more } = options;
      const made = copies.map(([step, at]): CopyStep => ({ ...step, from: stages[at] ?? step.from }));
      stages.push({
        kind: "stage",
        stage: { name: `s${stages.length}`, base, copies: made, config, ...more },
      });
    }
    return stages.at(-1) ?? imageSource(parseLocation("node:24"));
  });

const copy = copyFrom(fc.oneof(origin, source));

const plan: fc.Arbitrary<ComposePlan> = fc
  .record({
    base: baseImage,
    copies: fc.array(copy, { minLength: 1, maxLength: 3 }),
    config,
    annotations: fc.oneof(dictionary, fc.constant({})),
    compression: fc.oneof(
      fc.nat(9).map((level): ComposePlan["compression"] => ({ algorithm: "gzip", level })),
      fc.nat(18).map((level): ComposePlan["compression"] => ({ algorithm: "zstd", level: level + 1 })),
      fc.constant<ComposePlan["compression"]>({ algorithm: "none" }),
    ),
    record: fc.constantFrom<ComposePlan["record"]>("annotations", "none"),
    options: optional<
      Required<
        Pick<ComposePlan, "platform" | "builderPlatform" | "format" | "sourceDateEpoch" | "historyComment">
      >
    >({
      platform,
      builderPlatform: platform,
      format: fc.constantFrom("oci", "docker"),
      sourceDateEpoch: fc.nat(),
      historyComment: text,
    }),
  })
  .map(({ options, ...rest }) => ({ ...rest, ...options, targets: [parseLocation("r.example/t:1")] }));

/** Without the places of texts, and the names of stages: several of one name are told apart. */
function comparable(plan: unknown): unknown {
  const leftOut = new Set(["where", "name"]);
  return JSON.parse(
    JSON.stringify(plan, (key, value) => (leftOut.has(key) && typeof value === "string" ? undefined : value)),
  );
}

/** As it is where nobody shares: only what is said counts. */
const parsed = (yaml: string): ComposePlan[] => parseComposeFile(yaml);

describe("a plan as YAML", () => {
  it("reads back as the same plan, whatever is in it", () => {
    fc.assert(
      fc.property(plan, (one) => {
        const yaml = formatPlans([one]);
        const [back] = parsed(yaml);
        expect(comparable(back)).toEqual(comparable(one));
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
