import { readFlags } from "../flags.ts";
import type { SourceText } from "../source-text.ts";
import type { RawInstruction } from "./raw-instruction.ts";
import { readWords } from "./words.ts";

/** `FROM`, read. */
export interface FromInstruction {
  readonly base: SourceText;
  /** Lower case. */
  readonly name: string | undefined;
  readonly platform: SourceText | undefined;
}

/** Names that mean something else in `--from` and `--build-context`. */
const reserved = ["scratch", "context"];

/**
 * Reads `FROM [--platform=PLATFORM] IMAGE [AS NAME]`.
 *
 * @throws ComposeImageError `USAGE` with line and column.
 */
export function readFrom({ source, flags, rest }: RawInstruction): FromInstruction {
  const platform = readFlags(flags, "FROM", { platform: "text" }).text("platform");
  const [base, as, given, ...more] = readWords(rest, false);
  if (base === undefined)
    throw source.fault("FROM names no image", "Write FROM IMAGE, FROM IMAGE AS NAME, or FROM scratch.");
  if (as === undefined) return { base, name: undefined, platform };
  if (as.text.toUpperCase() !== "AS" || given === undefined || more.length > 0) {
    throw as.fault(
      `FROM is followed by ${rest.text.slice(base.text.length).trim()}`,
      "Write FROM IMAGE or FROM IMAGE AS NAME.",
    );
  }
  const name = given.text.toLowerCase();
  if (!/^[a-z][a-z0-9-_.]*$/.test(name)) {
    throw given.fault(
      `${given.text} cannot be a stage's name`,
      "It begins with a letter, and has letters, digits, - _ and . only.",
    );
  }
  if (reserved.includes(name))
    throw given.fault(`a stage cannot be called ${name}`, "That name is taken: choose another one.");
  return { base, name, platform };
}
