import { ComposeImageError } from "../model/errors.ts";
import { Interrupted } from "./interrupt.ts";

/** A failure told with what became of the tags: they move one by one at the very end, and it may strike in between. */
export function withMovedTags(error: unknown, moved: readonly string[]): unknown {
  const outcome = moved.length === 0 ? "no tag was moved" : `moved before: ${moved.join(", ")}`;
  if (error instanceof Interrupted) return new Interrupted(error.signalName, outcome);
  if (!(error instanceof ComposeImageError) || moved.length === 0) return error;
  return new ComposeImageError(error.code, `${error.message}; ${outcome}`, {
    hint: error.hint,
    cause: error.cause,
  });
}
