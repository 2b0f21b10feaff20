import { formatLocation } from "../../model/location.ts";
import { formatPlatform, type Platform } from "../../model/platform.ts";
import type { BaseImage, ComposePlan, CopySource, CopyStep, Stage } from "../../plan/compose-plan.ts";
import { defaultCompression, formatCompression } from "../../plan/compression.ts";
import { stagesBelow } from "../../plan/stages.ts";
import { StageWriter } from "./format-stage.ts";
import { lineBreakArgument } from "./format-words.ts";

/**
 * The Dockerfile that makes the same files and the same configuration. Comments say how it is built, and what of the plan a
 * Dockerfile has no words for.
 *
 * @throws ComposeImageError `FORMAT_UNSUPPORTED` for what would change the image and cannot be said.
 */
export function formatDockerfile(plan: ComposePlan): string {
  const below = stagesBelow(plan);
  const names = new SourceNames(plan, below);
  const builderPlatform = plan.builderPlatform ?? plan.platform;
  const blocks: string[][] = names.images.map(({ name, base }) => [from(base, builderPlatform, names, name)]);
  const writers = [...below, plan].map((stage) => {
    const writer = new StageWriter();
    const isOwn = stage === plan;
    writer.copies(stage.copies, stage.config, (step) => names.of(step.from));
    if (isOwn) writer.config(plan.config);
    const platform = stage.platform ?? (isOwn ? undefined : builderPlatform);
    const name = isOwn ? undefined : names.ofStage(stage);
    blocks.push([from(stage.base, platform, names, name), ...writer.lines]);
    return writer;
  });
  const comments = [
    buildCommand(
      plan,
      names,
      writers.some(({ hasLineBreak }) => hasLineBreak),
    ),
    ...unsaid(plan),
  ];
  const head = [
    ...syntax([...below, plan].flatMap(({ copies }) => copies)),
    ...comments.map((text) => `# ${text}`),
  ];
  return [head, ...blocks].map((lines) => lines.map((line) => `${line}\n`).join("")).join("\n");
}

/** What is copied from by its name: stages, images that become stages, and directories. */
class SourceNames {
  /** Images copied from, each a stage of its own. */
  readonly images: readonly { readonly name: string; readonly base: BaseImage }[];
  /** Directories and layouts, by the names they are given as build contexts. */
  readonly contexts: ReadonlyMap<string, string>;
  /** Of `COPY` without `--from`. */
  readonly context: string | undefined;
  readonly #names = new Map<CopySource | Stage | string, string>();

  constructor(plan: ComposePlan, below: readonly Stage[]) {
    const stages = [...below, plan];
    const sources = new Set(stages.flatMap(({ copies }) => copies.map(({ from }) => from)));
    const images = [...sources].filter((source) => source.kind === "image");
    this.images = images.map((base, i) => {
      const name = images.length === 1 ? "builder" : `builder-${i + 1}`;
      this.#names.set(base, name);
      return { name, base };
    });
    for (const [i, stage] of below.entries()) this.#names.set(stage, `stage-${i + 1}`);
    const [context, ...directories] = [...sources].filter((source) => source.kind === "local");
    this.context = context?.directory;
    const contexts = new Map<string, string>();
    for (const [i, source] of directories.entries()) {
      const name = `directory-${i + 1}`;
      this.#names.set(source, name);
      contexts.set(
        name,
        /^(?:\/|\.{1,2}(?:\/|$))/.test(source.directory) ? source.directory : `./${source.directory}`,
      );
    }
    const bases = [...stages.map(({ base }) => base), ...images];
    for (const base of bases) {
      if (base.kind === "scratch" || base.location.transport === "registry") continue;
      const text = formatLocation(base.location);
      if (this.#names.has(text)) continue;
      const name = `layout-${contexts.size + 1}`;
      this.#names.set(text, name);
      contexts.set(name, text.replace(/^oci:/, "oci-layout://"));
    }
    this.contexts = contexts;
  }

  /** What `--from` names; `undefined` for the build context. */
  of(source: CopyStep["from"]): string | undefined {
    return source.kind === "stage" ? this.ofStage(source.stage) : this.#names.get(source);
  }

  ofStage(stage: Stage): string | undefined {
    return this.#names.get(stage);
  }

  /** What `FROM` names. */
  ofBase(base: BaseImage): string {
    if (base.kind === "scratch") return "scratch";
    const text = formatLocation(base.location);
    return this.#names.get(text) ?? text;
  }
}

function from(
  base: BaseImage,
  platform: Platform | undefined,
  names: SourceNames,
  name: string | undefined,
): string {
  const flag = platform === undefined ? "" : `--platform=${formatPlatform(platform)} `;
  return `FROM ${flag}${names.ofBase(base)}${name === undefined ? "" : ` AS ${name}`}`;
}

/**
 * The frontend that has the newest of the flags used; without one the builder's own will do.
 *
 * @see https://docs.docker.com/build/buildkit/dockerfile-release-notes/
 */
function syntax(copies: readonly CopyStep[]): string[] {
  if (copies.some(({ parents }) => parents === true)) return ["# syntax=docker/dockerfile:1-labs"];
  const needsNewer = copies.some(({ exclude, link }) => exclude.length > 0 || link);
  return needsNewer ? ["# syntax=docker/dockerfile:1"] : [];
}

/** How the file is built: what a Dockerfile is told from outside. */
function buildCommand(plan: ComposePlan, names: SourceNames, hasLineBreak: boolean): string {
  const { platform, platforms = platform === undefined ? [] : [platform] } = plan;
  const { annotations, targets, sourceDateEpoch } = plan;
  const platformNames = platforms === "all" ? "" : platforms.map(formatPlatform).join(",");
  const options: readonly (readonly [name: string, values: readonly string[]])[] = [
    ["platform", platformNames === "" ? [] : [platformNames]],
    ["build-context", [...names.contexts].map(([name, value]) => `${name}=${value}`)],
    ["build-arg", hasLineBreak ? [`${lineBreakArgument}=\n`] : []],
    ["build-arg", sourceDateEpoch === undefined ? [] : [`SOURCE_DATE_EPOCH=${sourceDateEpoch}`]],
    ["annotation", Object.entries(annotations).map(([key, value]) => `${key}=${value}`)],
    ["tag", targets.map(formatLocation)],
  ];
  const words = options.flatMap(([name, values]) =>
    values.flatMap((value) => [`--${name}`, shellWord(value)]),
  );
  return ["docker buildx build", ...words, shellWord(names.context ?? ".")].join(" ");
}

/** What has no words in a Dockerfile, and no option of the build that is the same everywhere. */
function unsaid({ format, compression, historyComment }: ComposePlan): string[] {
  const compressed = formatCompression(compression);
  const facts = [
    ...(format === undefined ? [] : [`the format ${format}`]),
    ...(compressed === formatCompression(defaultCompression) ? [] : [`the compression ${compressed}`]),
    ...(historyComment === undefined ? [] : [`the history comment ${JSON.stringify(historyComment)}`]),
  ];
  return facts.length === 0 ? [] : [`A Dockerfile cannot say ${facts.join(", ")}.`];
}

/** A word for a shell, on one line. */
function shellWord(text: string): string {
  if (/^[\w./:@%+,=-]+$/.test(text)) return text;
  if (!/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text)) return `'${text.replaceAll("'", "'\\''")}'`;
  const escaped = text.replace(/[\\']|[\p{Cc}\p{Zl}\p{Zp}]/gu, (character) => {
    if (character === "\\" || character === "'") return `\\${character}`;
    if (character === "\n") return "\\n";
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return `$'${escaped}'`;
}
