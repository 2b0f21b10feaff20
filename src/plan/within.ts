import { ComposeImageError } from "../model/errors.ts";

/**
 * Runs a reader of words, and names the setting in what is wrong with them.
 *
 * @param what goes before the message.
 * @throws ComposeImageError of the same code and hint.
 */
export function within<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ComposeImageError)) throw error;
    throw new ComposeImageError(error.code, `${what}: ${error.message}`, { hint: error.hint, cause: error });
  }
}
