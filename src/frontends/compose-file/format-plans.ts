import { stringify } from "yaml";
import { ComposeImageError } from "../../model/errors.ts";
import { isStringList, type Json, type JsonObject } from "../../model/json.ts";
import { formatLocation } from "../../model/location.ts";
import { formatOwner } from "../../model/owner.ts";
import { formatPlatform } from "../../model/platform.ts";
import type { ComposePlan, CopySource, CopyStep } from "../../plan/compose-plan.ts";
import { formatCompression } from "../../plan/compression.ts";
import { formatCopySource } from "../../plan/copy-source.ts";
import { formatDuration } from "../../plan/duration.ts";
import { formatMode } from "../../plan/mode.ts";
import type { PlatformChoice } from "../../plan/platforms.ts";

/** What YAML is made of here; mappings keep their order, and any key is only a key. */
type Yaml = string | number | boolean | readonly Yaml[] | ReadonlyMap<string, Yaml>;

/** A key with its value; without one it is left out. */
type Entry = readonly [key: string, value: Yaml | undefined];

/** The plans as documents of `compose.yaml`, which read back as the same plans. */
export function formatPlans(plans: readonly ComposePlan[]): string {
  return plans.map((plan) => stringify(planDocument(plan), { lineWidth: 0 })).join("---\n");
}

function planDocument(plan: ComposePlan): Yaml {
  const { base, copies, config, annotations, targets, platform, platforms, builderPlatform } = plan;
  const { appendPlatforms, format, compression, record, sourceDateEpoch, historyComment } = plan;
  const builders = [...new Set(copies.map(({ from }) => sourceName(from)))];
  const isShared = builders.length === 1;
  return mapping([
    ["builder", isShared ? literal(builders[0] ?? "") : undefined],
    ["base", literal(base.kind === "scratch" ? "scratch" : formatLocation(base.location))],
    ["copy", copies.map((copy) => copyEntry(copy, isShared))],
    ["env", texts(config.env)],
    ["labels", texts(config.labels)],
    ["annotations", Object.keys(annotations).length === 0 ? undefined : texts(annotations)],
    ["workdir", literal(config.workdir)],
    ["user", literal(config.user)],
    ["entrypoint", literals(config.entrypoint)],
    ["cmd", literals(config.cmd)],
    ["shell", literals(config.shell)],
    ["expose", literals(config.exposedPorts)],
    ["volumes", literals(config.volumes)],
    ["stopSignal", literal(config.stopSignal)],
    ["healthcheck", config.healthcheck && healthcheckEntry(config.healthcheck)],
    ["platforms", platforms === undefined ? platform && [formatPlatform(platform)] : choice(platforms)],
    ["appendPlatforms", appendPlatforms],
    ["builderPlatform", builderPlatform && formatPlatform(builderPlatform)],
    ["tags", targets.map((target) => literal(formatLocation(target)))],
    ["compression", formatCompression(compression)],
    ["sourceDateEpoch", sourceDateEpoch],
    ["record", record],
    ["format", format],
    ["historyComment", literal(historyComment)],
  ]);
}

/** @throws ComposeImageError `INTERNAL` for a stage: it has no name in such a file. */
function sourceName(source: CopySource): string {
  const name = formatCopySource(source);
  if (name === undefined) throw new ComposeImageError("INTERNAL", "a copy from a stage");
  return name;
}

function copyEntry(
  { from, sources, destination, chown, chmod, exclude, link }: CopyStep,
  isShared: boolean,
): Yaml {
  const [only, ...more] = sources;
  return mapping([
    ["from", isShared ? undefined : literal(sourceName(from))],
    ["src", more.length === 0 ? literal(only) : literals(sources)],
    ["dst", literal(destination)],
    ["chown", chown && literal(formatOwner(chown))],
    ["chmod", chmod === undefined ? undefined : formatMode(chmod)],
    ["exclude", exclude.length === 0 ? undefined : literals(exclude)],
    ["link", link || undefined],
  ]);
}

function healthcheckEntry({
  Test,
  Interval,
  Timeout,
  StartPeriod,
  StartInterval,
  Retries,
}: JsonObject): Yaml {
  return mapping([
    ["test", isStringList(Test) ? literals(Test) : undefined],
    ["interval", duration(Interval)],
    ["timeout", duration(Timeout)],
    ["startPeriod", duration(StartPeriod)],
    ["startInterval", duration(StartInterval)],
    ["retries", typeof Retries === "number" ? Retries : undefined],
  ]);
}

function choice(platforms: PlatformChoice): Yaml {
  return platforms === "all" ? platforms : platforms.map(formatPlatform);
}

function duration(value: Json | undefined): string | undefined {
  return typeof value === "number" ? formatDuration(value) : undefined;
}

function texts(map: Readonly<Record<string, string>> | undefined): Yaml | undefined {
  return map && mapping(Object.entries(map).map(([key, value]): Entry => [key, literal(value)]));
}

function literals(items: readonly string[] | undefined): Yaml | undefined {
  return items?.map((item) => literal(item));
}

/** The text as it has to be written for no variable to be put into it. */
function literal<T extends string | undefined>(text: T): T | string {
  return text === undefined ? text : text.replaceAll("$", () => "$$");
}

function mapping(entries: readonly Entry[]): ReadonlyMap<string, Yaml> {
  return new Map(
    entries.flatMap(([key, value]): [string, Yaml][] => (value === undefined ? [] : [[key, value]])),
  );
}
