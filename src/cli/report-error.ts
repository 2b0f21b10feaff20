import type { CommanderError } from "commander";
import { ComposeImageError } from "../model/errors.ts";
import { Interrupted } from "./interrupt.ts";

/**
 * What is printed about a failure: one message with its code, the hint below it.
 *
 * @param isVerbose whether causes, and the stack of an internal fault, follow.
 */
export function describeError(error: unknown, isVerbose: boolean): string {
  if (error instanceof Interrupted) return `compose-image: ${error.message}; no tag was moved\n`;
  if (error instanceof ComposeImageError) {
    const hint = error.hint === undefined ? "" : `  hint: ${error.hint}\n`;
    return `compose-image: ${error.message} [${error.code}]\n${hint}${isVerbose ? describeCauses(error.cause) : ""}`;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `compose-image: internal fault: ${text} [INTERNAL]\n  hint: Please report this with the command that led to it.\n`;
}

/** A wrong use of the command line as one of this project's errors; `undefined` for what only asked for help. */
export function usageError(error: CommanderError, helpCommand: string): ComposeImageError | undefined {
  if (error.exitCode === 0 || error.code === "commander.help") return undefined;
  const [message = "", suggestion] = error.message.replace(/^error: /, "").split("\n");
  return new ComposeImageError("USAGE", message, {
    hint: suggestion?.replace(/^\(|\)$/g, "") || `${helpCommand} --help lists what there is.`,
  });
}

function describeCauses(cause: unknown): string {
  if (!(cause instanceof Error)) return "";
  return `  cause: ${cause.message}\n${describeCauses(cause.cause)}`;
}
