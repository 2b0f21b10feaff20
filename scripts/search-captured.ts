/*
 * Searches what a test run captured for the secrets it made:
 *
 *     CAPTURE_DIR=DIR npm test; node scripts/search-captured.ts DIR
 *
 * Exit status 1 when one is shown anywhere, raw, as a URL has it or in base64 at any alignment, and when there is
 * nothing to search, or for.
 */
import { searchCaptured } from "./house/secret-search.ts";

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error("usage: search-captured.ts DIRECTORY");
const { secrets, files, bytes, shown } = await searchCaptured(directory);
for (const { name, file, record } of shown) {
  console.log(`the secret "${name}…" is shown in ${file}${record === "" ? "" : `: ${record}`}`);
}
console.log(`searched ${bytes} bytes of ${files} files for ${secrets} secrets: ${shown.length} shown`);
process.exitCode = shown.length > 0 || secrets === 0 || bytes === 0 ? 1 : 0;
