import fc from "fast-check";
import { parseLocation } from "../../../src/model/location.ts";
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
const platform = fc.constantFrom(
  { os: "linux", architecture: "arm64" },
  { os: "linux", architecture: "arm", variant: "v7" },
);

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

/** Any plan without stages, variables and directories of the machine. */
export const anyPlan: fc.Arbitrary<ComposePlan> = fc
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
