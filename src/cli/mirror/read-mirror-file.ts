import type { MirrorPlan } from "../../plan/mirror-plan.ts";
import { givenVariable } from "../given-variable.ts";
import { readText } from "../read-text.ts";
import type { Terminal } from "../terminal.ts";
import type { MirrorFlags } from "./mirror-options.ts";

/**
 * The plan of the file that `--file` names.
 *
 * @throws ComposeImageError as `parseMirrorFile` and `readText` do.
 */
export async function readMirrorFile(
  { file, var: given = [] }: Pick<MirrorFlags, "file" | "var">,
  terminal: Terminal,
): Promise<MirrorPlan> {
  const variables = Object.fromEntries(given.map((item) => givenVariable(item, "--var", terminal.env)));
  // Loaded only now, so that help and other commands do not wait for it.
  const { parseMirrorFile } = await import("../../frontends/mirror-file/mirror-file.ts");
  const text = await readText(file, `--file ${file}`, terminal);
  return parseMirrorFile(text, { name: file === "-" ? "standard input" : file, variables });
}
