import fc from "fast-check";
import { parseLocation } from "../../../src/model/location.ts";
import type { Platform } from "../../../src/model/platform.ts";
import type {
  ComposePlan,
  ConfigChanges,
  CopySource,
  CopyStep,
  Stage,
} from "../../../src/plan/compose-plan.ts";
import { imageSource, parseCopySource } from "../../../src/plan/copy-source.ts";
import { textOf } from "../../../src/plan/expand-text.ts";
import { SharedSources } from "../../../src/plan/share-sources.ts";
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
    return settled(textOf(each, ""));
  } catch {
    return "x";
  }
});

/** With nothing left in it that could be expanded at once. */
function settled(text: Text): Text {
  const again = isTemplate(text) ? textOf(text.parts, "") : text;
  return JSON.stringify(again) === JSON.stringify(text) ? text : settled(again);
}
const anyText = fc.oneof(text, template.filter(isTemplate));
const anyDictionary = fc.dictionary(text, fc.oneof(anyText, fc.constant("")), { minKeys: 1, maxKeys: 4 });
const path = text.map((name) => `/${name.replaceAll(/[*?[\\]|\.\./g, "x")}`);
const anyPath = fc.oneof(path, template.filter(isTemplate));
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
  author: text,
  stopSignal: fc.oneof(fc.constantFrom("SIGTERM", "SIGRTMIN+3", "9"), template.filter(isTemplate)),
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
      options: optional<Required<Pick<CopyStep, "chown" | "chmod" | "workdir" | "parents">>>({
        parents: fc.constant(true),
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

/** Any plan. */
export const anyPlan: fc.Arbitrary<ComposePlan> = fc
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
  .map(({ options, platforms, ...rest }) => {
    const { platform: only } = { platform: undefined, ...platforms };
    const shared = new SharedSources(options.builderPlatform ?? only);
    const copies = rest.copies.map((step) => ({ ...step, from: shared.of(step.from) }));
    return { ...rest, ...platforms, ...options, copies, targets: [parseLocation("r.example/t:1")] };
  });

/** Without the places of texts, and the names of stages: several of one name are told apart. */
export function comparable(plan: unknown): unknown {
  const leftOut = new Set(["where", "name"]);
  return JSON.parse(
    JSON.stringify(plan, (key, value) => (leftOut.has(key) && typeof value === "string" ? undefined : value)),
  );
}
