import { ComposeImageError } from "../../model/errors.ts";
import { formatPlatform, hostPlatform, type Platform } from "../../model/platform.ts";
import { expandText } from "../../plan/expand-text.ts";
import { nearestWord } from "../yaml/nearest.ts";
import { expand } from "./expand.ts";
import type { Dockerfile } from "./parse-dockerfile.ts";
import type { SourceText } from "./source-text.ts";

/** Taken without an `ARG`; here they matter to what is run alone, or to BuildKit. */
const predefined =
  /^(?:(?:HTTP|HTTPS|FTP|NO|ALL)_PROXY|(?:http|https|ftp|no|all)_proxy|SOURCE_DATE_EPOCH|BUILDKIT_[A-Z_]+)$/;

/**
 * What `--build-arg`, the `ARG`s before the first stage and the platform say: the variables of `FROM`, and what the `ARG`s
 * of stages take their values from.
 *
 * @see https://docs.docker.com/reference/dockerfile/#arg
 */
export class BuildArguments {
  readonly #given: ReadonlyMap<string, string>;
  readonly #values: Map<string, string>;
  readonly #escapeCharacter: string;
  #isTargetUsed = false;

  /**
   * @param target the platform the image is for.
   * @throws ComposeImageError `USAGE` with line and column.
   */
  constructor({ args, escapeCharacter }: Dockerfile, given: ReadonlyMap<string, string>, target: Platform) {
    this.#given = given;
    this.#escapeCharacter = escapeCharacter;
    this.#values = new Map([...platformValues("BUILD", hostPlatform()), ...platformValues("TARGET", target)]);
    for (const name of this.#values.keys())
      this.#values.set(name, given.get(name) ?? this.#values.get(name) ?? "");
    for (const { name, value } of args.flatMap(({ items }) => items)) {
      const key = this.expand(name);
      const set = given.get(key) ?? (value && this.expand(value));
      if (set !== undefined) this.#values.set(key, set);
    }
  }

  /** Whether anything depends on the platform the image is for. */
  get isTargetUsed(): boolean {
    return this.#isTargetUsed;
  }

  /** What `--build-arg` gives. */
  given(name: string): string | undefined {
    this.#note(name);
    return this.#given.get(name);
  }

  /** What an `ARG` without a default takes: what is given, or what is said before the first stage. */
  get(name: string): string | undefined {
    this.#note(name);
    return this.#given.get(name) ?? this.#values.get(name);
  }

  /**
   * A word outside of the stages' instructions, with its variables' values.
   *
   * @throws ComposeImageError `USAGE` with line and column.
   */
  expand(source: SourceText): string {
    const lookUp = (name: string): string | undefined => {
      this.#note(name);
      return this.#values.get(name);
    };
    return expandText(expand(source, { lookUp }, this.#escapeCharacter), () => undefined);
  }

  #note(name: string): void {
    if (name.startsWith("TARGET") && !this.#given.has(name)) this.#isTargetUsed = true;
  }
}

/**
 * Refuses what `--build-arg` gives and no `ARG` of the file takes: one of both was misspelt.
 *
 * @param giver names what gives an argument, for messages.
 * @throws ComposeImageError `USAGE`
 */
export function expectTaken(
  { name: file, args, stages }: Dockerfile,
  given: ReadonlyMap<string, string>,
  giver: (name: string) => string = (name) => `--build-arg ${name}`,
): void {
  const items = [
    ...args.flatMap((instruction) => instruction.items),
    ...stages.flatMap(({ instructions }) =>
      instructions.flatMap((instruction) => (instruction.keyword === "ARG" ? instruction.items : [])),
    ),
  ];
  const taken = items.map(({ name }) => name.text.replaceAll(/["']/g, ""));
  for (const name of given.keys()) {
    if (taken.includes(name) || predefined.test(name) || isPlatformName(name)) continue;
    const nearest = nearestWord(name, taken);
    throw new ComposeImageError("USAGE", `${giver(name)}: no ARG of ${file} takes it`, {
      hint:
        nearest === undefined
          ? `Write ARG ${name} in the file, or leave it out.`
          : `Did you mean ${nearest}?`,
    });
  }
}

function isPlatformName(name: string): boolean {
  return /^(?:BUILD|TARGET)(?:PLATFORM|OS|ARCH|VARIANT)$/.test(name);
}

function platformValues(prefix: string, platform: Platform): [name: string, value: string][] {
  const name = formatPlatform(platform);
  const [os = "", architecture = "", variant = ""] = name.split("/");
  return [
    [`${prefix}PLATFORM`, name],
    [`${prefix}OS`, os],
    [`${prefix}ARCH`, architecture],
    [`${prefix}VARIANT`, variant],
  ];
}
