import { ComposeImageError } from "../../model/errors.ts";
import { parseLocation } from "../../model/location.ts";
import { formatReference, parseReference } from "../../model/reference.ts";
import type { CopySource } from "../../plan/compose-plan.ts";
import { imageSource } from "../../plan/copy-source.ts";
import { within } from "../../plan/within.ts";
import { nearestWord } from "../yaml/nearest.ts";
import type { BuildArguments } from "./build-arguments.ts";
import type { Instruction } from "./instructions/instruction.ts";
import type { Dockerfile } from "./parse-dockerfile.ts";

/** What `--build-context NAME=VALUE` says. */
export interface BuildContext {
  /** A stage, or an image, as typed. */
  readonly name: string;
  /** What takes its place. */
  readonly source: CopySource;
}

/**
 * Reads `NAME=VALUE`. A value is an image (`IMAGE`, `docker-image://IMAGE`), a layout (`oci-layout://DIR[:TAG]`,
 * `oci:DIR[:TAG]`), or a directory, which begins with `/`, `./` or `../`.
 *
 * @throws ComposeImageError `USAGE`, `REFERENCE_INVALID`
 * @see https://docs.docker.com/reference/cli/docker/buildx/build/#build-context
 */
export function parseBuildContext(text: string): BuildContext {
  const [, name = "", value = ""] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  const what = `--build-context ${name || text}`;
  if (name === "") {
    throw new ComposeImageError("USAGE", `${what} is not NAME=IMAGE`, {
      hint: "Write the name of a stage or an image, and the image that takes its place.",
    });
  }
  const [, scheme = "", rest = value] = /^([a-z-]+):\/\/(.*)$/s.exec(value) ?? [];
  if (["docker-image", "container-image", "docker", ""].includes(scheme)) {
    if (scheme === "" && /^(?:\.{0,2}\/|\.{1,2}$)/.test(value))
      return { name, source: { kind: "local", directory: value } };
    return { name, source: imageSource(within(what, () => parseLocation(rest))) };
  }
  if (scheme === "oci-layout")
    return { name, source: imageSource(within(what, () => parseLocation(`oci:${rest}`))) };
  throw new ComposeImageError("USAGE", `${what}: ${scheme}:// is not read here`, {
    hint: "Give an image, oci-layout://DIR:TAG, or a directory that begins with ./ or /.",
  });
}

/** What is given by `--build-context`, by the names of stages and images. */
export class BuildContexts {
  readonly #contexts = new Map<string, CopySource>();
  /** How one more is given, for hints. */
  readonly howToGive: (name: string) => string;

  /** @throws ComposeImageError `USAGE` for a name that comes twice. */
  constructor(
    contexts: readonly BuildContext[],
    howToGive = (name: string): string => `--build-context ${name}=IMAGE`,
  ) {
    this.howToGive = howToGive;
    for (const { name, source } of contexts) {
      const key = keyOf(name);
      if (this.#contexts.has(key)) {
        throw new ComposeImageError("USAGE", `--build-context ${name} comes twice`, {
          hint: "Keep one of them.",
        });
      }
      this.#contexts.set(key, source);
    }
  }

  /** What takes the place of a stage or an image; images have one name however it is written. */
  get(name: string): CopySource | undefined {
    return this.#contexts.get(keyOf(name));
  }
}

/**
 * Refuses a context that nothing in the file is called: one of both was misspelt.
 *
 * @param giver names what gives a context, for messages.
 * @throws ComposeImageError `USAGE`
 */
export function expectNamed(
  file: Dockerfile,
  args: BuildArguments,
  contexts: readonly BuildContext[],
  giver: (name: string) => string = (name) => `--build-context ${name}`,
): void {
  if (contexts.length === 0) return;
  const names = file.stages.flatMap(({ name, base, instructions }) => [
    ...(name === undefined ? [] : [name]),
    args.expand(base),
    ...instructions.flatMap(sourceNames),
  ]);
  const keys = new Set(names.map(keyOf));
  for (const { name } of contexts) {
    if (keys.has(keyOf(name))) continue;
    const nearest = nearestWord(name, names);
    throw new ComposeImageError("USAGE", `${giver(name)}: ${file.name} has no stage or image of that name`, {
      hint: nearest === undefined ? "Check the name, or leave it out." : `Did you mean ${nearest}?`,
    });
  }
}

/** What an instruction takes files from. */
function sourceNames(instruction: Instruction): string[] {
  if (instruction.keyword === "COPY" && instruction.from !== undefined) return [instruction.from.text];
  if (instruction.keyword !== "RUN") return [];
  return instruction.flags.flatMap(({ value }) => /(?:^|,)from=([^,]+)/.exec(value?.text ?? "")?.[1] ?? []);
}

function keyOf(name: string): string {
  const plain = /[/:@]/.test(name) ? name : name.toLowerCase();
  try {
    return formatReference(parseReference(plain));
  } catch {
    return plain;
  }
}
