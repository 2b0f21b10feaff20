import { ComposeImageError } from "../../model/errors.ts";
import type { ConfigSettings } from "../../plan/config-edit.ts";
import { parseExposedPorts } from "../../plan/exposed-ports.ts";
import { parseCommand } from "./command.ts";
import { parsePairs } from "./pairs.ts";

/** Flags that change an image's configuration, in the flags' own words. */
export interface ConfigFlags {
  readonly env?: readonly string[] | Readonly<Record<string, string>> | undefined;
  readonly label?: readonly string[] | Readonly<Record<string, string>> | undefined;
  /** `PORT`, `PORT/udp` or `FROM-TO`. */
  readonly expose?: readonly string[] | undefined;
  readonly workdir?: string | undefined;
  readonly user?: string | undefined;
  /** A list, a JSON list of strings, or one word. */
  readonly entrypoint?: string | readonly string[] | undefined;
  readonly cmd?: string | readonly string[] | undefined;
}

/**
 * What the flags change.
 *
 * @throws ComposeImageError `USAGE` naming the flag.
 */
export function configChanges(flags: ConfigFlags): ConfigSettings {
  const { env, label, expose = [], workdir, user, entrypoint, cmd } = flags;
  return {
    ...(env !== undefined && hasItems(env) && { env: parsePairs(env, "--env") }),
    ...(label !== undefined && hasItems(label) && { labels: parsePairs(label, "--label") }),
    ...(expose.length > 0 && {
      exposedPorts: expose.flatMap((item) => parseExposedPorts(item, "--expose")),
    }),
    ...(workdir !== undefined && { workdir: nonEmpty(workdir, "--workdir") }),
    ...(user !== undefined && { user: nonEmpty(user, "--user") }),
    ...(entrypoint !== undefined && { entrypoint: parseCommand(entrypoint, "--entrypoint") }),
    ...(cmd !== undefined && { cmd: parseCommand(cmd, "--cmd") }),
  };
}

function nonEmpty(value: string, flag: string): string {
  if (value !== "") return value;
  throw new ComposeImageError("USAGE", `${flag} is missing`, {
    hint: "Leave the flag out to keep the base's.",
  });
}

function hasItems(value: readonly string[] | Readonly<Record<string, string>>): boolean {
  return Object.keys(value).length > 0;
}
