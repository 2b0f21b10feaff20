import { readFileSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { Command, CommanderError } from "commander";
import { abortable } from "../io/abortable.ts";
import { collect } from "../io/collect.ts";
import { errnoOf, localError } from "../io/local-error.ts";
import { ComposeImageError } from "../model/errors.ts";
import { addAuthCommand } from "./commands/auth.ts";
import { addComposeCommand } from "./commands/compose.ts";
import { addConfigCommand } from "./commands/config.ts";
import { addCopyCommand } from "./commands/copy.ts";
import { addDiffCommand } from "./commands/diff.ts";
import { addDockerfileCommand } from "./commands/dockerfile.ts";
import { addDoctorCommand } from "./commands/doctor.ts";
import { addExplainCommand } from "./commands/explain.ts";
import { addCatCommand, addLsCommand } from "./commands/files.ts";
import { addInspectCommand } from "./commands/inspect.ts";
import { addLoginCommand, addLogoutCommand } from "./commands/login.ts";
import { addMirrorCommand } from "./commands/mirror.ts";
import { addPlanCommand, addSchemaCommand } from "./commands/plan.ts";
import { addRebaseCommand } from "./commands/rebase.ts";
import { addRecomposeCommand } from "./commands/recompose.ts";
import { addServeCommand } from "./commands/serve.ts";
import { addStaleCommand } from "./commands/stale.ts";
import { exitStatus, exitStatusOf, NegativeAnswer } from "./exit-status.ts";
import { abortOnSignals, Interrupted } from "./interrupt.ts";
import { promptLine } from "./prompt.ts";
import { describeError, usageError } from "./report-error.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Runs the command line.
 *
 * @param args without the interpreter's and the script's.
 * @returns the exit status.
 */
export async function run(args: readonly string[]): Promise<number> {
  const { signal, stopListening } = abortOnSignals();
  const outputFault = new OutputFault();
  const terminal = processTerminal(signal, outputFault);
  try {
    const answer = await makeProgram(terminal).parseAsync(args, { from: "user" }).catch(unlessAnswered);
    await outputFault.expectNone();
    return answer instanceof NegativeAnswer ? exitStatusOf(answer) : exitStatus.done;
  } catch (error) {
    const shown = signal.aborted && !(error instanceof Interrupted) ? signal.reason : error;
    terminal.writeError(describeError(shown, args.includes("--verbose")));
    return exitStatusOf(shown);
  } finally {
    stopListening();
  }
}

/** Help and the version are printed by way of an error, and an answer may be no. */
function unlessAnswered(thrown: unknown): NegativeAnswer | undefined {
  if (thrown instanceof NegativeAnswer) return thrown;
  const error = thrown instanceof CommanderError ? usageError(thrown, "compose-image") : thrown;
  if (error !== undefined) throw error;
  return undefined;
}

function makeProgram(terminal: Terminal): Command {
  const program = new Command("compose-image")
    .description("Composes lean container images out of existing ones, straight from registry to registry.")
    .version(packageVersion(), "--version", "print the version")
    .helpOption("-h, --help", "print this help")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.write(text),
      writeErr: (text) => terminal.writeError(text),
      outputError: () => {},
    });
  addComposeCommand(program, terminal);
  addPlanCommand(program, terminal);
  addSchemaCommand(program, terminal);
  addDockerfileCommand(program, terminal);
  addExplainCommand(program, terminal);
  addStaleCommand(program, terminal);
  addRecomposeCommand(program, terminal);
  addLsCommand(program, terminal);
  addCatCommand(program, terminal);
  addInspectCommand(program, terminal);
  addDiffCommand(program, terminal);
  addConfigCommand(program, terminal);
  addRebaseCommand(program, terminal);
  addCopyCommand(program, terminal);
  addMirrorCommand(program, terminal);
  addServeCommand(program, terminal);
  addLoginCommand(program, terminal);
  addLogoutCommand(program, terminal);
  addAuthCommand(program, terminal);
  addDoctorCommand(program, terminal);
  return program;
}

function packageVersion(): string {
  const document: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return String((document as { version?: unknown }).version);
}

/** What went wrong with standard output, unless its reader just left: a pipe may end early. */
class OutputFault {
  error: unknown;

  note(error: unknown): void {
    if (errnoOf(error) !== "EPIPE") this.error ??= error;
  }

  /** @throws ComposeImageError `DISK_FULL`, `LOCAL_IO` */
  async expectNone(): Promise<void> {
    await new Promise<void>((resolve) => {
      process.stdout.write("", () => resolve());
    });
    if (this.error !== undefined) throw localError(this.error, "cannot write to standard output");
  }
}

function processTerminal(signal: AbortSignal, outputFault: OutputFault): Terminal {
  process.stdout.on("error", (error) => outputFault.note(error));
  // There is nowhere left to say so.
  process.stderr.on("error", () => {});
  return {
    write: (text) => process.stdout.write(text),
    writeContent: async (content) => {
      try {
        await pipeline(content, process.stdout, { end: false, signal });
      } catch (error) {
        if (error instanceof ComposeImageError || signal.aborted) throw error;
        outputFault.note(error);
      }
    },
    writeWhole: async (content) => {
      try {
        await pipeline(content, process.stdout, { end: false, signal });
      } catch (error) {
        signal.throwIfAborted();
        throw localError(error, "cannot write to standard output");
      }
    },
    isOutputTerminal: process.stdout.isTTY === true,
    writeError: (text) => process.stderr.write(text),
    readInput: async (limit) => {
      try {
        const input = await abortable(collect(process.stdin, limit, "standard input"), { signal });
        return input.toString("utf8");
      } finally {
        process.stdin.destroy();
      }
    },
    canAsk: process.stdin.isTTY === true && process.stderr.isTTY === true,
    ask: (question, isSecret) => promptLine(question, isSecret, signal),
    isInteractive: process.stderr.isTTY === true,
    width: () => process.stderr.columns || 80,
    env: process.env,
    signal,
  };
}
