import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../../../io/local-error.ts";
import { homeOf } from "./home.ts";
import { unreadable } from "./pem.ts";
import type { Environment } from "./proxy.ts";
import { parseRegistriesConf, type RegistryRule } from "./registries-conf.ts";

/** What {@link loadRegistriesConf} goes by. */
export interface RegistriesConfOptions {
  /** Read in place of the usual main file; has to exist. Default `CONTAINERS_REGISTRIES_CONF`. */
  readonly registriesConf?: string | undefined;
  readonly env: Environment;
  readonly onWarning: (message: string) => void;
  /** Default `/etc/containers`. */
  readonly systemDirectory?: string;
}

/** The main file that was named, which has to exist. */
export function namedRegistriesConf(file: string | undefined, env: Environment): string | undefined {
  return file ?? (env.CONTAINERS_REGISTRIES_CONF || undefined);
}

/**
 * Reads the main file (the one named, else the user's, else the system's) and the `registries.conf.d` directories: the
 * system's, then the user's; the user's alone where the main file is. A later rule replaces the one with the same
 * prefix.
 *
 * @throws ComposeImageError `USAGE` naming the file that cannot be read or understood.
 */
export function loadRegistriesConf(options: RegistriesConfOptions): RegistryRule[] {
  const { env, onWarning, systemDirectory = "/etc/containers" } = options;
  const home = homeOf(env);
  const userDirectory = home === undefined ? undefined : join(home, ".config/containers");
  const named = namedRegistriesConf(options.registriesConf, env);
  const userFile = userDirectory === undefined ? undefined : join(userDirectory, "registries.conf");
  // The home of somebody else, as in jobs that change the user and not HOME, says nothing about this one.
  const isReadable = userDirectory !== undefined && mayRead(userDirectory, onWarning);
  const isUsers = named === undefined && userFile !== undefined && isReadable && exists(userFile);
  const systemFile = join(systemDirectory, "registries.conf");
  const main = named ?? (isUsers ? userFile : exists(systemFile) ? systemFile : undefined);
  const directories = [isUsers ? undefined : systemDirectory, isReadable ? userDirectory : undefined];
  const files = [main, ...directories.flatMap(dropIns)].filter((file) => file !== undefined);
  const byPrefix = new Map<string, RegistryRule>();
  for (const file of files) {
    for (const rule of parseRegistriesConf(read(file), file, onWarning)) byPrefix.set(rule.prefix, rule);
  }
  return [...byPrefix.values()];
}

/** Whether a directory that nobody named is there and may be looked into. */
function mayRead(directory: string, onWarning: (message: string) => void): boolean {
  try {
    readdirSync(directory);
    return true;
  } catch (cause) {
    if (["EACCES", "EPERM"].includes(errnoOf(cause)))
      onWarning(`${directory} is passed over: permission denied`);
    return false;
  }
}

function dropIns(parent: string | undefined): string[] {
  if (parent === undefined) return [];
  const directory = join(parent, "registries.conf.d");
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith(".conf"))
      .sort()
      .map((name) => join(directory, name))
      .filter((file) => statSync(file).isFile());
  } catch (cause) {
    if (isAbsent(cause)) return [];
    throw unreadable(cause, directory);
  }
}

function exists(file: string): boolean {
  try {
    statSync(file);
    return true;
  } catch (cause) {
    if (isAbsent(cause)) return false;
    throw unreadable(cause, file);
  }
}

function isAbsent(cause: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(errnoOf(cause));
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw unreadable(cause, file);
  }
}
