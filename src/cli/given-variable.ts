import { ComposeImageError } from "../model/errors.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Reads `NAME=VALUE`, or `NAME` for the environment's value.
 *
 * @throws ComposeImageError `USAGE` naming the flag, for what is no name, and names the environment does not have.
 */
export function givenVariable(
  item: string,
  flag: string,
  env: Terminal["env"],
): [name: string, value: string] {
  const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)(?:=(.*))?$/s.exec(item) ?? [];
  if (name === undefined) {
    throw new ComposeImageError("USAGE", `${flag} ${item.replace(/=.*/s, "")} is not a variable's name`, {
      hint: "A name has letters, digits and _, and begins with no digit.",
    });
  }
  const given = value ?? env[name];
  if (given !== undefined) return [name, given];
  throw new ComposeImageError("USAGE", `${flag} ${name}: the environment has no ${name}`, {
    hint: `Set it, or write ${flag} ${name}=VALUE.`,
  });
}
