import { ComposeImageError } from "../../model/errors.ts";
import { isStringList, type Json, type JsonObject } from "../../model/json.ts";
import { formatOwner } from "../../model/owner.ts";
import type { ConfigChanges, CopyStep } from "../../plan/compose-plan.ts";
import { formatDuration } from "../../plan/duration.ts";
import { formatMode } from "../../plan/mode.ts";
import { isTemplate, type Text } from "../../plan/text.ts";
import { WordWriter } from "./format-words.ts";
import { WorkingDirectories } from "./format-working-directory.ts";

/** Writes the instructions of one stage below its `FROM`. */
export class StageWriter {
  readonly #lines: string[] = [];
  readonly #words = new WordWriter((line) => this.#lines.push(line));

  /** Whether a build argument has to bring line breaks. */
  get hasLineBreak(): boolean {
    return this.#words.hasLineBreak;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /**
   * Copies come first: the working directory is made only then, and where a path is new it is the copy's.
   *
   * @param sourceName what a step copies from; `undefined` for the build context.
   */
  copies(
    steps: readonly CopyStep[],
    config: Pick<ConfigChanges, "workdir">,
    sourceName: (step: CopyStep) => string | undefined,
  ): void {
    const directories = new WorkingDirectories(config);
    for (const step of steps) {
      const { set, destination } = directories.before(step);
      for (const directory of set) this.#instruction("WORKDIR", this.#words.word(directory));
      this.#copy(step, destination, sourceName(step));
    }
    for (const directory of directories.last()) this.#instruction("WORKDIR", this.#words.word(directory));
  }

  /** The environment comes last of what may refer to variables: these are the base's. */
  config(config: Omit<ConfigChanges, "workdir">): void {
    const { env, labels, exposedPorts, volumes, user, entrypoint, cmd } = config;
    const { stopSignal, healthcheck, shell, author } = config;
    const words = this.#words;
    this.#pairs("LABEL", labels);
    for (const port of exposedPorts ?? []) {
      const word = words.word(port);
      if (/\s/.test(word)) throw unsupported(`ports with spaces: ${word}`);
      this.#instruction("EXPOSE", word);
    }
    if (volumes !== undefined && volumes.length > 0) {
      this.#instruction("VOLUME", `[${volumes.map((volume) => words.listed(volume)).join(", ")}]`);
    }
    if (stopSignal !== undefined) this.#instruction("STOPSIGNAL", words.word(stopSignal));
    if (user !== undefined) this.#instruction("USER", words.word(user));
    this.#pairs("ENV", env);
    if (shell !== undefined) this.#instruction("SHELL", jsonList(shell));
    if (healthcheck !== undefined) this.#instruction("HEALTHCHECK", ...healthcheckWords(healthcheck));
    if (entrypoint !== undefined) this.#instruction("ENTRYPOINT", jsonList(entrypoint));
    if (cmd !== undefined) this.#instruction("CMD", jsonList(cmd));
    if (author !== undefined) this.#instruction("MAINTAINER", oneLine(author, "the author"));
  }

  #copy(step: CopyStep, destination: Text, from: string | undefined): void {
    const { sources, chown, chmod, exclude, link, parents } = step;
    const words = this.#words;
    const flags = [
      ...(from === undefined ? [] : [`--from=${from}`]),
      ...(chown === undefined ? [] : [words.flag("chown", isTemplate(chown) ? chown : formatOwner(chown))]),
      ...(chmod === undefined ? [] : [words.flag("chmod", isTemplate(chmod) ? chmod : formatMode(chmod))]),
      ...exclude.map((pattern) => words.flag("exclude", pattern)),
      ...(link ? ["--link"] : []),
      ...(parents === true ? ["--parents"] : []),
    ];
    const paths = [...sources.map(fromRoot), destination];
    const isPlain = paths.every(
      (path) => typeof path === "string" && /^[A-Za-z0-9_./][\w./*?@%+=,:-]*$/.test(path),
    );
    const list = isPlain ? paths.map(String) : [`[${paths.map((path) => words.listed(path)).join(", ")}]`];
    this.#instruction("COPY", ...flags, ...list);
  }

  /** One instruction for all: the values refer to variables as they were before. */
  #pairs(keyword: "ENV" | "LABEL", texts: Readonly<Record<string, Text>> | undefined): void {
    const pairs = Object.entries(texts ?? {}).map(([key, value]) => {
      if (key === "") throw unsupported(`an empty name in ${keyword}`);
      return `${this.#words.key(key)}=${this.#words.quoted(value)}`;
    });
    if (pairs.length > 0) this.#lines.push(`${keyword} ${pairs.join(" \\\n    ")}`);
  }

  #instruction(keyword: string, ...words: readonly string[]): void {
    this.#lines.push([keyword, ...words].join(" "));
  }
}

/** A path from the root, as it is meant; so it cannot be taken for a flag. */
function fromRoot(source: Text): Text {
  if (isTemplate(source) || source.startsWith("/")) return source;
  return `/${source}`;
}

function jsonList(words: readonly string[]): string {
  return `[${words.map((word) => JSON.stringify(word)).join(", ")}]`;
}

function healthcheckWords({ Test, ...rest }: JsonObject): string[] {
  const [kind, ...words] = isStringList(Test) ? Test : [];
  if (kind === "NONE" && words.length === 0) return ["NONE"];
  const { Interval, Timeout, StartPeriod, StartInterval, Retries } = rest;
  const [line = ""] = words;
  const isLine = kind === "CMD-SHELL" && words.length === 1 && line.trim() === line && line !== "";
  if (kind !== "CMD" && !isLine) throw unsupported(`the healthcheck ${JSON.stringify(Test)}`);
  return [
    ...duration("interval", Interval),
    ...duration("timeout", Timeout),
    ...duration("start-period", StartPeriod),
    ...duration("start-interval", StartInterval),
    ...(typeof Retries === "number" && Retries > 0 ? [`--retries=${Retries}`] : []),
    "CMD",
    isLine ? oneLine(line, "the healthcheck") : jsonList(words),
  ];
}

function duration(name: string, value: Json | undefined): string[] {
  return typeof value === "number" && value > 0 ? [`--${name}=${formatDuration(value)}`] : [];
}

/** Text that goes to the end of its line, where nothing can be quoted. */
function oneLine(text: string, what: string): string {
  if (!/[\r\n]|\\\s*$/.test(text)) return text;
  throw unsupported(`${what} ${JSON.stringify(text)}`);
}

function unsupported(what: string): ComposeImageError {
  return new ComposeImageError("FORMAT_UNSUPPORTED", `a Dockerfile has no words for ${what}`, {
    hint: "Print the plan as a compose.yaml instead: compose-image plan.",
  });
}
