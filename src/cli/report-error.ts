import type { CommanderError } from "commander";
import { ComposeImageError } from "../model/errors.ts";
import { visibleText } from "../model/visible-text.ts";
import { generalHints } from "./general-hints.ts";
import { Interrupted } from "./interrupt.ts";

/**
 * What is printed about a failure: one message with its code, the hint below it.
 *
 * @param isVerbose whether causes, and the stack of an internal fault, follow.
 */
export function describeError(error: unknown, isVerbose: boolean): string {
  if (error instanceof Interrupted) {
    return `compose-image: ${error.message} [${error.signalName}]\n  hint: Run the same command again; what has been sent is not sent twice.\n`;
  }
  if (error instanceof ComposeImageError) {
    const hint = error.hint ?? generalHints[error.code];
    return `compose-image: ${error.message} [${error.code}]\n  hint: ${hint}\n${isVerbose ? describeCauses(error.cause) : ""}`;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const lines = text.split("\n").map(visibleText).join("\n");
  return `compose-image: internal fault: ${lines} [INTERNAL]\n  hint: Please report this with the command that led to it.\n`;
}

/** A wrong use of the command line as one of this project's errors; `undefined` for what only asked for help. */
export function usageError(error: CommanderError, helpCommand: string): ComposeImageError | undefined {
  if (error.exitCode === 0 || error.code === "commander.help") return undefined;
  const [, command, expected, stray] =
    /^error: too many arguments(?: for '([^']*)')?\. Expected (\d+) arguments? but got \d+: (.*)\.$/s.exec(
      error.message,
    ) ?? [];
  if (stray !== undefined) {
    // Words beyond those that a command takes are not repeated: a password may be among them.
    const what =
      expected === "0"
        ? `${JSON.stringify(stray)} is neither a command nor an option`
        : `${command ?? "the command"} takes ${expected === "1" ? "one argument" : `${expected} arguments`}, and got more`;
    return new ComposeImageError("USAGE", what, {
      hint: `Options begin with --; ${helpCommand} --help lists them, and the commands.`,
    });
  }
  const [message = "", suggestion] = error.message.replace(/^error: /, "").split("\n");
  return new ComposeImageError("USAGE", message, {
    hint: suggestion?.replace(/^\(|\)$/g, "") || `${helpCommand} --help lists what there is.`,
  });
}

function describeCauses(cause: unknown): string {
  if (!(cause instanceof Error)) return "";
  return `  cause: ${visibleText(cause.message)}\n${describeCauses(cause.cause)}`;
}
