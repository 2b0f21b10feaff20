import { createReadStream } from "node:fs";
import { isAbsolute } from "node:path";
import { abortable } from "../io/abortable.ts";
import { collect } from "../io/collect.ts";
import { errnoOf, localError } from "../io/local-error.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { Terminal } from "./terminal.ts";

/** Largest file taken, in bytes. */
const maxFileSize = 1024 * 1024;

/**
 * A file that says what to compose, as text.
 *
 * @param file its path; `-` is standard input.
 * @param what the flag and the file, for messages.
 * @throws ComposeImageError `USAGE` for a file that is not there or a directory, too large or not UTF-8; `LOCAL_IO`.
 */
export async function readText(file: string, what: string, terminal: Terminal): Promise<string> {
  const { signal } = terminal;
  try {
    if (file === "-") return await terminal.readInput(maxFileSize);
    const content = await abortable(collect(createReadStream(file), maxFileSize, file), { signal });
    return new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch (error) {
    if (error instanceof ComposeImageError && error.code === "LIMIT_EXCEEDED") {
      throw new ComposeImageError("USAGE", `${what} is larger than ${maxFileSize} bytes`, {
        hint: "It says what to compose, and is a few lines of text.",
      });
    }
    if (errnoOf(error) === "ERR_ENCODING_INVALID_ENCODED_DATA") {
      throw new ComposeImageError("USAGE", `${what} is not UTF-8`, { hint: "Save it as UTF-8." });
    }
    if (["ENOENT", "ENOTDIR"].includes(errnoOf(error))) {
      throw new ComposeImageError("USAGE", `${what} is not there`, {
        hint: isAbsolute(file)
          ? "Check the path."
          : "Check the path; it is meant from the current directory.",
      });
    }
    if (errnoOf(error) === "EISDIR") {
      throw new ComposeImageError("USAGE", `${what} is a directory`, { hint: "Name the file in it." });
    }
    if (signal.aborted) throw signal.reason;
    throw localError(error, `cannot read ${file}`);
  }
}
