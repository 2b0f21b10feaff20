import { nearestWord } from "../yaml/nearest.ts";
import { splitFlags } from "./flags.ts";
import { type Instruction, readInstruction } from "./instructions/instruction.ts";
import { keywords, type RawInstruction } from "./instructions/raw-instruction.ts";
import { logicalLines } from "./logical-lines.ts";
import { faultAt, type SourceText } from "./source-text.ts";

/** A Dockerfile: what it says before its first stage, and its stages. */
export interface Dockerfile {
  /** The file's name, for messages. */
  readonly name: string;
  /** What takes a character's meaning away. */
  readonly escapeCharacter: string;
  /** `ARG`s before the first `FROM`. */
  readonly args: readonly Extract<Instruction, { keyword: "ARG" }>[];
  /** At least one. */
  readonly stages: readonly DockerfileStage[];
}

/** Most stages a file may have: more come of no hand, and would exhaust the stack. */
const maxStages = 1000;

/** A `FROM` and what follows it. */
export interface DockerfileStage {
  /** Its position, from 0: the other name stages have. */
  readonly index: number;
  /** Lower case; absent where the file gives none. */
  readonly name: string | undefined;
  /** What it is built on, as written: variables are not put in. */
  readonly base: SourceText;
  readonly platform: SourceText | undefined;
  readonly instructions: readonly Instruction[];
}

/**
 * Reads a Dockerfile as far as it can be read without knowing variables.
 *
 * @param name the file's, for messages.
 * @throws ComposeImageError `USAGE` with file, line and column.
 * @see https://docs.docker.com/reference/dockerfile/
 */
export function parseDockerfile(text: string, name: string): Dockerfile {
  const { lines, directives } = logicalLines(text, name);
  const { escapeCharacter } = directives;
  const args: Dockerfile["args"][number][] = [];
  const stages: (DockerfileStage & { readonly instructions: Instruction[] })[] = [];
  for (const { source, heredocs } of lines) {
    const instruction = readInstruction(rawInstruction(source, heredocs, escapeCharacter));
    const stage = stages.at(-1);
    if (instruction.keyword === "FROM") {
      const { base, platform, source: at } = instruction;
      const other = stages.find((each) => each.name !== undefined && each.name === instruction.name);
      if (other !== undefined) {
        throw at.fault(
          `there is a stage ${instruction.name} already, at ${other.base.at()}`,
          "Give each stage a name of its own.",
        );
      }
      if (stages.length === maxStages) {
        throw at.fault(`there are more than ${maxStages} stages`, "Make a Dockerfile of its own of some.");
      }
      stages.push({ index: stages.length, name: instruction.name, base, platform, instructions: [] });
    } else if (stage !== undefined) stage.instructions.push(instruction);
    else if (instruction.keyword === "ARG") args.push(instruction);
    else {
      throw instruction.source.fault(
        `${instruction.keyword} comes before the first FROM`,
        "Only ARG may stand there: write FROM with the image to build on, or scratch, before it.",
      );
    }
  }
  if (stages.length === 0) {
    throw faultAt(`${name}:1:1`, "there is no FROM in it", {
      hint: "Write FROM with the image to build on, or scratch.",
    });
  }
  return { name, escapeCharacter, args, stages };
}

function rawInstruction(
  source: SourceText,
  heredocs: readonly string[],
  escapeCharacter: string,
): RawInstruction {
  const [word = ""] = /^\S+/.exec(source.text) ?? [];
  const keyword = keywords.find((known) => known === word.toUpperCase());
  if (keyword === undefined) {
    const nearest = nearestWord(word, keywords);
    throw source.fault(
      `${word} is not an instruction`,
      nearest === undefined
        ? `Instructions are ${keywords.join(", ")}; a line goes on where the one before it ends in ${escapeCharacter}`
        : `Did you mean ${nearest}?`,
    );
  }
  const { flags, rest } = splitFlags(source.slice(word.length));
  return { keyword, source: source.slice(0, word.length), flags, rest, heredocs, escapeCharacter };
}
