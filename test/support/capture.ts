import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { captureFolders, recordMark } from "../../scripts/house/secret-search.ts";

/** Most bytes of one output that are kept: half of them from its beginning, half from its end. */
const mostKept = 1024 * 1024;

/**
 * Keeps what a test saw of a command, for `scripts/search-captured.ts`. Does nothing unless `CAPTURE_DIR` is set.
 *
 * @param whose one line.
 */
export function captureOutput(whose: string, output: string | Uint8Array): void {
  const bytes = Buffer.from(output);
  const kept =
    bytes.byteLength <= mostKept
      ? [bytes]
      : [bytes.subarray(0, mostKept / 2), Buffer.from("\n…\n"), bytes.subarray(-mostKept / 2)];
  const title = whose.replaceAll("\n", " ").slice(0, 200);
  append(captureFolders.outputs, Buffer.concat([Buffer.from(`${recordMark}${title}\n`), ...kept, newline]));
}

/** Keeps a secret that nothing captured may show, apart from it. Does nothing unless `CAPTURE_DIR` is set. */
export function captureSecret(name: string, text: string): void {
  append(captureFolders.secrets, Buffer.from(`${JSON.stringify({ name, text })}\n`));
}

const newline = Buffer.from("\n");

function append(folder: string, record: Uint8Array): void {
  const directory = process.env.CAPTURE_DIR;
  if (directory === undefined) return;
  mkdirSync(join(directory, folder), { recursive: true, mode: 0o700 });
  appendFileSync(join(directory, folder, `tests-${process.pid}`), record);
}
