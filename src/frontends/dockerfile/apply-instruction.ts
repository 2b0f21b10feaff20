import { parseExposedPorts } from "../../plan/exposed-ports.ts";
import type { Text } from "../../plan/text.ts";
import { isTemplate } from "../../plan/text.ts";
import { parseVolume } from "../../plan/volume.ts";
import type { BuildArguments } from "./build-arguments.ts";
import type { CommandForm } from "./instructions/command.ts";
import type { Instruction } from "./instructions/instruction.ts";
import type { ArgItem } from "./instructions/pairs.ts";
import { isSignal } from "./signals.ts";
import type { SourceText } from "./source-text.ts";
import type { StageState } from "./stage-state.ts";

/** Instructions that say something about the configuration. */
export type ConfigInstruction = Exclude<
  Instruction,
  { keyword: "FROM" | "COPY" | "ADD" | "RUN" | "ONBUILD" }
>;

const defaultShell = ["/bin/sh", "-c"];

/**
 * Lets an instruction change the configuration.
 *
 * @throws ComposeImageError `USAGE` with line and column.
 */
export function applyInstruction(
  state: StageState,
  instruction: ConfigInstruction,
  args: BuildArguments,
): void {
  switch (instruction.keyword) {
    case "ARG":
      for (const item of instruction.items) declare(state, item, args);
      return;
    case "ENV":
    case "LABEL": {
      const pairs = instruction.pairs.map(
        ({ key, value }) => [knownText(state, key), state.expand(value)] as const,
      );
      for (const [i, [name, value]] of pairs.entries()) {
        if (name === "") {
          throw (instruction.pairs[i]?.key ?? instruction.source).fault(
            "the name is empty",
            "Give it a name.",
          );
        }
        (instruction.keyword === "ENV" ? state.env : state.labels).set(name, value);
      }
      return;
    }
    case "CMD":
      setCommand(state, "cmd", instruction.command, instruction.source);
      state.hasOwnCmd = true;
      return;
    case "ENTRYPOINT":
      setCommand(state, "entrypoint", instruction.command, instruction.source);
      if (!state.hasOwnCmd) {
        state.cmd = undefined;
        state.shellForms.cmd = undefined;
      }
      return;
    case "SHELL":
      state.shell = instruction.words;
      return;
    case "HEALTHCHECK":
      state.healthcheck = { ...instruction.check };
      return;
    case "EXPOSE":
      for (const port of instruction.words.flatMap((word) => ports(state, word)))
        state.exposedPorts.add(port);
      return;
    case "VOLUME":
      for (const word of instruction.words) state.volumes.add(volume(state, word));
      return;
    case "USER":
      state.user = filled(state, instruction.text, "the user");
      return;
    case "WORKDIR":
      state.workdirs.push(filled(state, instruction.text, "the working directory"));
      return;
    case "STOPSIGNAL":
      state.stopSignal = signal(state, instruction.text);
      return;
    case "MAINTAINER":
      state.author = instruction.text.text;
      return;
  }
}

/** An argument's value: what is given, else its default, else what is said before the first stage. */
function declare(state: StageState, { name, value }: ArgItem, args: BuildArguments): void {
  const key = knownText(state, name);
  const given = args.given(key);
  const set = given ?? (value === undefined ? args.get(key) : state.expand(value));
  if (set !== undefined) state.args.set(key, set);
}

function setCommand(
  state: StageState,
  which: "cmd" | "entrypoint",
  command: CommandForm,
  source: SourceText,
): void {
  const isForShell = command.form === "shell";
  state.shellForms[which] = isForShell && state.shell === undefined ? source.at() : undefined;
  state[which] = isForShell ? [...(state.shell ?? defaultShell), command.line] : command.words;
}

/** Text that has to be known before the base is. */
function knownText(state: StageState, source: SourceText): string {
  const text = state.expand(source);
  if (!isTemplate(text)) return text;
  throw source.fault(
    "it depends on the base's environment, which is not known here",
    "Write it without a variable of the base.",
  );
}

function filled(state: StageState, source: SourceText, what: string): Text {
  const text = state.expand(source);
  if (text === "") throw source.fault(`${what} is empty`, "Write one, or give the variable a value.");
  return text;
}

function ports(state: StageState, source: SourceText): Text[] {
  const text = state.expand(source);
  if (isTemplate(text)) return [text];
  return text
    .split(/\s+/)
    .filter((port) => port !== "")
    .flatMap((port) => parseExposedPorts(port, `${source.at()}:`));
}

function volume(state: StageState, source: SourceText): Text {
  const text = filled(state, source, "the volume");
  return isTemplate(text) ? text : parseVolume(text, `${source.at()}:`);
}

function signal(state: StageState, source: SourceText): Text {
  const text = filled(state, source, "the signal");
  if (isTemplate(text) || isSignal(text)) return text;
  throw source.fault(`${text} is not a signal`, "Write its name or number, for example SIGTERM or 15.");
}
