import { stringify } from "yaml";
import { ComposeImageError } from "../../model/errors.ts";
import { isStringList, type Json, type JsonObject } from "../../model/json.ts";
import { formatLocation } from "../../model/location.ts";
import { formatOwner } from "../../model/owner.ts";
import { formatPlatform } from "../../model/platform.ts";
import type {
  BaseImage,
  ComposePlan,
  ConfigChanges,
  CopySource,
  CopyStep,
  LocalSource,
  Stage,
} from "../../plan/compose-plan.ts";
import { formatCompression } from "../../plan/compression.ts";
import { formatCopySource } from "../../plan/copy-source.ts";
import { formatDuration } from "../../plan/duration.ts";
import { formatMode } from "../../plan/mode.ts";
import type { PlatformChoice } from "../../plan/platforms.ts";
import { stagesBelow } from "../../plan/stages.ts";
import { isTemplate, type Text } from "../../plan/text.ts";
import { formatText } from "../yaml/format-text.ts";
import { stageNames } from "./stage-names.ts";

/**
 * Long lines stay whole. Quoted text does, too: broken into lines, one that has a single space comes back as a backslash.
 *
 * @see https://eemeli.org/yaml/#tostring-options
 */
const style = { lineWidth: 0, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER } as const;

/** What a file calls its directory. */
const contextName = "context";

/** What YAML is made of here; mappings keep their order, and any key is only a key. */
type Yaml = string | number | boolean | readonly Yaml[] | ReadonlyMap<string, Yaml>;

/** A key with its value; without one it is left out. */
type Entry = readonly [key: string, value: Yaml | undefined];

/** Names of variables, by what they stand for. */
type OriginVariables = ReadonlyMap<BaseImage | CopySource, string>;

/** What images, directories and stages are written as. */
interface OriginNames {
  readonly stages: ReadonlyMap<Stage, string>;
  readonly variables: OriginVariables;
  /** The directory with files of patterns of its own: `context` is its name. */
  readonly context: LocalSource | undefined;
}

/**
 * The plans as documents of `compose.yaml`, which read back as the same plans.
 *
 * @param variables what is to be written as variables, by its place in the plans. Default nothing.
 */
export function formatPlans(plans: readonly ComposePlan[], variables: OriginVariables = new Map()): string {
  return plans.map((plan) => stringify(planDocument(plan, variables), style)).join("---\n");
}

function planDocument(plan: ComposePlan, variables: OriginVariables): Yaml {
  const { base, copies, config, annotations, targets, platform, platforms, builderPlatform } = plan;
  const { appendPlatforms, format, compression, record, sourceDateEpoch, historyComment } = plan;
  const names: OriginNames = { stages: stageNames(plan), variables, context: contextOf(plan) };
  const builders = [...new Set(copies.map(({ from }) => sourceName(from, names)))];
  const isShared = builders.length === 1 && copies[0]?.from.kind !== "stage" && builders[0] !== contextName;
  return mapping([
    ["builder", isShared ? builders[0] : undefined],
    ["context", names.context && formatText(names.context.directory)],
    ["ignoreFiles", literals(names.context?.ignoreFiles)],
    ["stages", stagesEntry(names)],
    ["base", baseEntry(base, names)],
    ["copy", copies.map((copy) => copyEntry(copy, isShared ? undefined : names))],
    ["env", texts(config.env)],
    ["labels", texts(config.labels)],
    ["annotations", Object.keys(annotations).length === 0 ? undefined : texts(annotations)],
    ["workdir", workdirEntry(config.workdir)],
    ["user", optional(config.user)],
    ["entrypoint", literals(config.entrypoint)],
    ["cmd", literals(config.cmd)],
    ["shell", literals(config.shell)],
    ["expose", literals(config.exposedPorts)],
    ["volumes", literals(config.volumes)],
    ["stopSignal", optional(config.stopSignal)],
    ["author", optional(config.author)],
    ["healthcheck", config.healthcheck && healthcheckEntry(config.healthcheck)],
    ["platforms", platforms === undefined ? platform && [formatPlatform(platform)] : choice(platforms)],
    ["appendPlatforms", appendPlatforms],
    ["builderPlatform", builderPlatform && formatPlatform(builderPlatform)],
    ["tags", targets.length === 0 ? undefined : targets.map((target) => formatText(formatLocation(target)))],
    ["compression", formatCompression(compression)],
    ["sourceDateEpoch", sourceDateEpoch],
    ["record", record],
    ["format", format],
    ["historyComment", optional(historyComment)],
  ]);
}

/** The directory that the file has to call `context`, to say what of it is left out. */
function contextOf(plan: ComposePlan): LocalSource | undefined {
  const sources = [...stagesBelow(plan), plan].flatMap(({ copies }) => copies.map(({ from }) => from));
  return sources.find((source): source is LocalSource => isContext(source));
}

function isContext(source: CopySource): boolean {
  return source.kind === "local" && source.ignoreFiles !== undefined;
}

function stagesEntry(names: OriginNames): Yaml | undefined {
  const { stages } = names;
  if (stages.size === 0) return undefined;
  return mapping(
    [...names.stages].map(([{ base, platform, copies, config }, name]): Entry => {
      const stage = mapping([
        ["base", baseEntry(base, names)],
        ["platform", platform && formatPlatform(platform)],
        ["copy", copies.length === 0 ? undefined : copies.map((copy) => copyEntry(copy, names))],
        ["workdir", workdirEntry(config.workdir)],
      ]);
      return [name, stage];
    }),
  );
}

function baseEntry(base: BaseImage, names: OriginNames): Yaml {
  if (base.kind === "scratch") return "scratch";
  return variableFor(base, names) ?? formatText(formatLocation(base.location));
}

function sourceName(source: CopySource, names: OriginNames): string {
  if (isContext(source)) {
    if (source === names.context) return contextName;
    throw new ComposeImageError("INTERNAL", "two directories with files of patterns of their own");
  }
  const name = source.kind === "stage" ? names.stages.get(source.stage) : formatCopySource(source);
  if (name === undefined) throw new ComposeImageError("INTERNAL", "a copy from a stage without a name");
  return variableFor(source, names) ?? formatText(name);
}

function variableFor(origin: BaseImage | CopySource, { variables }: OriginNames): string | undefined {
  const variable = variables.get(origin);
  return variable && `\${${variable}}`;
}

/** @param names absent where the step need not say what it copies from. */
function copyEntry(
  { from, sources, destination, workdir, chown, chmod, exclude, link, parents }: CopyStep,
  names: OriginNames | undefined,
): Yaml {
  const [only, ...more] = sources;
  return mapping([
    ["from", names && sourceName(from, names)],
    ["src", more.length === 0 ? optional(only) : literals(sources)],
    ["dst", formatText(destination)],
    ["workdir", literals(workdir)],
    ["chown", chown && formatText(isTemplate(chown) ? chown : formatOwner(chown))],
    ["chmod", chmod === undefined ? undefined : isTemplate(chmod) ? formatText(chmod) : formatMode(chmod)],
    ["exclude", exclude.length === 0 ? undefined : literals(exclude)],
    ["link", link || undefined],
    ["parents", parents || undefined],
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

function workdirEntry(workdir: ConfigChanges["workdir"]): Yaml | undefined {
  if (workdir === undefined) return undefined;
  return typeof workdir === "string" || isTemplate(workdir) ? formatText(workdir) : literals(workdir);
}

function texts(map: Readonly<Record<string, Text>> | undefined): Yaml | undefined {
  return map && mapping(Object.entries(map).map(([key, value]): Entry => [key, formatText(value)]));
}

function literals(items: readonly Text[] | undefined): Yaml | undefined {
  return items?.map((item) => formatText(item));
}

function optional(text: Text | undefined): string | undefined {
  return text === undefined ? undefined : formatText(text);
}

function mapping(entries: readonly Entry[]): ReadonlyMap<string, Yaml> {
  return new Map(
    entries.flatMap(([key, value]): [string, Yaml][] => (value === undefined ? [] : [[key, value]])),
  );
}
