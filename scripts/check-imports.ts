/*
 * Checks which folder of src/ imports which: `node scripts/check-imports.ts [PROJECT]`. Prints each violation as
 * `file:line: what is wrong` and exits 1 when there is any; see house/import-order.ts for the rules.
 */
import { fileURLToPath } from "node:url";
import { checkImports } from "./house/import-order.ts";

const project = process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url));
const { files, imports, violations } = checkImports(project);
for (const { file, line, message } of violations) console.log(`${file}:${line}: ${message}`);
console.log(`${files} files, ${imports} imports, ${violations.length} out of order`);
process.exitCode = violations.length > 0 ? 1 : 0;
