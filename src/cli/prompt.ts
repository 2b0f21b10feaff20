import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { ComposeImageError } from "../model/errors.ts";

/**
 * Asks for one line on the terminal: the question goes to standard error, the answer comes from standard input.
 *
 * @param isSecret whether what is typed must not be seen.
 * @throws ComposeImageError `USAGE` when the input ends; the signal's reason when aborted.
 */
export async function promptLine(question: string, isSecret: boolean, signal: AbortSignal): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const output = isSecret ? nowhere : process.stderr;
  const lines = createInterface({ input: process.stdin, output, terminal: true, historySize: 0 });
  // Only now, when the terminal shows nothing by itself any more: who is asked may answer at once.
  if (isSecret) process.stderr.write(question);
  // The terminal gives Ctrl-C as a character while it is read from in this way.
  lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  const ended = new Promise<never>((_, reject) => {
    lines.once("close", () => {
      reject(new ComposeImageError("USAGE", "the input ended before there was an answer"));
    });
  });
  try {
    return await Promise.race([lines.question(isSecret ? "" : question, { signal }), ended]);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    ended.catch(() => {});
    lines.close();
    if (isSecret) process.stderr.write("\n");
  }
}
