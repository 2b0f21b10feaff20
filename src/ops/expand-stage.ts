import { posix } from "node:path";
import { environmentVariables, type ImageConfig } from "../model/config.ts";
import { ComposeImageError } from "../model/errors.ts";
import { type OwnerSpec, parseOwner } from "../model/owner.ts";
import type { ConfigChanges, CopyStep, Stage } from "../plan/compose-plan.ts";
import { expectInside } from "../plan/directory.ts";
import { type BaseVariables, expandText } from "../plan/expand-text.ts";
import { parseExposedPorts } from "../plan/exposed-ports.ts";
import { parseMode } from "../plan/mode.ts";
import { parseStopSignal } from "../plan/stop-signal.ts";
import { isTemplate, type Text, type TextTemplate } from "../plan/text.ts";
import { parseVolume } from "../plan/volume.ts";
import { within } from "../plan/within.ts";

/** What a stage says, with the variables of its base put in. */
export interface ExpandedStage {
  readonly copies: readonly ExpandedCopy[];
  readonly config: ExpandedConfig;
  /** Absolute and cleaned. */
  readonly workingDirectory: string;
  /** Absolute; made after all is copied where they are missing: none by `link` alone, without a directory of its own. */
  readonly madeAtEnd: readonly string[];
}

/** A copy step of which all text is known. */
export interface ExpandedCopy extends Pick<CopyStep, "from" | "link" | "parents" | "addedAt"> {
  readonly sources: readonly string[];
  /** As typed: a relative one is meant from `workingDirectory`. */
  readonly destination: string;
  /** Absolute and cleaned. */
  readonly workingDirectory: string;
  /** Absolute; made before anything is copied where they are missing. */
  readonly madeBefore: readonly string[];
  readonly chown: OwnerSpec | undefined;
  readonly chmod: number | undefined;
  readonly exclude: readonly string[];
}

/** Changes of the configuration of which all text is known. */
export interface ExpandedConfig
  extends Pick<ConfigChanges, "author" | "entrypoint" | "cmd" | "healthcheck" | "shell"> {
  readonly env?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly exposedPorts?: readonly string[];
  readonly volumes?: readonly string[];
  /** Absolute and cleaned. */
  readonly workdir?: string;
  readonly user?: string;
  readonly stopSignal?: string;
}

/**
 * Puts the base's variables into a stage's texts, and reads what these are then.
 *
 * @throws ComposeImageError `USAGE` with the place of a text that makes no sense once it is known.
 */
export function expandStage(
  { copies, config }: Pick<Stage, "copies"> & { readonly config: ConfigChanges },
  baseConfig: ImageConfig,
): ExpandedStage {
  const environment = environmentVariables(baseConfig);
  const lookUp: BaseVariables = (name) => environment.get(name);
  const workdirs = workdirsOf(config).map((text) => expandText(text, lookUp));
  const [own = "/", ...made] = directoriesOf(baseConfig, workdirs);
  const workingDirectory = made.at(-1) ?? own;
  const isLinked = copies.length > 0 && copies.every(({ link, workdir }) => link && workdir === undefined);
  return {
    copies: copies.map((copy) => expandCopy(copy, baseConfig, workingDirectory, lookUp)),
    config: expandConfig(config, workingDirectory, lookUp),
    workingDirectory,
    madeAtEnd: isLinked ? [] : made,
  };
}

/** The working directories that are set, one after the other. */
export function workdirsOf({ workdir }: Pick<ConfigChanges, "workdir">): readonly Text[] {
  if (workdir === undefined) return [];
  return typeof workdir === "string" || isTemplate(workdir) ? [workdir] : workdir;
}

/** The base's working directory, and those set one after the other. */
function directoriesOf(base: ImageConfig, workdirs: readonly string[]): string[] {
  const directories = [posix.resolve("/", base.execution.WorkingDir ?? "")];
  for (const workdir of workdirs) directories.push(posix.resolve(directories.at(-1) ?? "/", workdir));
  return directories;
}

function expandCopy(
  { from, link, parents, addedAt, workdir, sources, destination, chown, chmod, exclude }: CopyStep,
  baseConfig: ImageConfig,
  stageDirectory: string,
  lookUp: BaseVariables,
): ExpandedCopy {
  const expand = (text: Text): string => expandText(text, lookUp);
  const directories =
    workdir === undefined ? [stageDirectory] : directoriesOf(baseConfig, workdir.map(expand));
  return {
    from,
    link,
    ...(parents !== undefined && { parents }),
    ...(addedAt !== undefined && { addedAt }),
    sources: sources.map((source) => expandSource(source, lookUp)),
    destination: expandPath(destination, lookUp, "destination"),
    workingDirectory: directories.at(-1) ?? "/",
    madeBefore: directories.slice(1),
    chown: expandAs(chown, lookUp, (text, where) => within(where, () => parseOwner(text))),
    chmod: expandAs(chmod, lookUp, parseMode),
    exclude: exclude.map(expand),
  };
}

function expandSource(source: Text, lookUp: BaseVariables): string {
  const path = expandPath(source, lookUp, "source");
  if (isTemplate(source)) expectInside(path, source.where);
  return path;
}

/** A path that an unset variable leaves empty would stand for a whole image. */
function expandPath(text: Text, lookUp: BaseVariables, what: string): string {
  const path = expandText(text, lookUp);
  if (path !== "" || !isTemplate(text)) return path;
  throw new ComposeImageError("USAGE", `${text.where}: the ${what} is empty`, {
    hint: "The base has no such variable, or an empty one. Write ${NAME:-PATH} for a path to take then.",
  });
}

/** Reads a template once it is text; what becomes empty is as if it had not been said. */
function expandAs<T extends object | number>(
  value: T | TextTemplate | undefined,
  lookUp: BaseVariables,
  read: (text: string, where: string) => T,
): T | undefined {
  if (!isTemplate(value)) return value;
  const text = expandText(value, lookUp);
  return text === "" ? undefined : read(text, value.where);
}

function expandConfig(
  config: ConfigChanges,
  workingDirectory: string,
  lookUp: BaseVariables,
): ExpandedConfig {
  const { env, labels, exposedPorts, volumes, workdir, user, stopSignal, ...plain } = config;
  const expand = (text: Text): string => expandText(text, lookUp);
  const read = (text: Text, reader: (text: string, where: string) => string): string =>
    isTemplate(text) ? reader(expand(text), text.where) : text;
  return {
    ...plain,
    ...(env !== undefined && { env: expandValues(env, expand) }),
    ...(labels !== undefined && { labels: expandValues(labels, expand) }),
    ...(exposedPorts !== undefined && {
      exposedPorts: exposedPorts.flatMap((port) => (isTemplate(port) ? expandPorts(port, lookUp) : [port])),
    }),
    ...(volumes !== undefined && { volumes: volumes.map((volume) => read(volume, parseVolume)) }),
    ...(workdir !== undefined && { workdir: workingDirectory }),
    ...(user !== undefined && { user: expand(user) }),
    ...(stopSignal !== undefined && { stopSignal: read(stopSignal, parseStopSignal) }),
  };
}

function expandValues(
  texts: Readonly<Record<string, Text>>,
  expand: (text: Text) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, expand(text)]));
}

function expandPorts(ports: TextTemplate, lookUp: BaseVariables): string[] {
  const words = expandText(ports, lookUp)
    .split(/\s+/)
    .filter((word) => word !== "");
  return words.flatMap((word) => parseExposedPorts(word, ports.where));
}
