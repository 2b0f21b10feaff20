import { join } from "node:path";
import { homeOf } from "../hosts/home.ts";
import type { Environment } from "../hosts/proxy.ts";

/** A file that may hold credentials. */
export interface CredentialPath {
  readonly path: string;
  /** What it is looked for by: an option, a variable, or the tool whose place it is. */
  readonly chosenBy: string;
}

/**
 * Where credentials files are looked for, in order, after `DOCKER_AUTH_CONFIG`: the one named by option, then
 * `REGISTRY_AUTH_FILE`, Podman's two places, Docker's. Each path once.
 *
 * @see https://github.com/containers/image/blob/v5.36.0/docs/containers-auth.json.5.md
 */
export function credentialPaths(authfile: string | undefined, env: Environment): CredentialPath[] {
  const home = homeOf(env);
  const configHome = env.XDG_CONFIG_HOME || (home && join(home, ".config"));
  const candidates: readonly (readonly [path: string | undefined, chosenBy: string])[] = [
    [authfile, "--authfile"],
    [env.REGISTRY_AUTH_FILE, "REGISTRY_AUTH_FILE"],
    [runtimePath(env), "podman's, for a session"],
    [configHome && join(configHome, "containers", "auth.json"), "podman's"],
    [dockerPath(env), "docker's"],
  ];
  const paths = new Map<string, CredentialPath>();
  for (const [path, chosenBy] of candidates) {
    if (path !== undefined && path !== "" && !paths.has(path)) paths.set(path, { path, chosenBy });
  }
  return [...paths.values()];
}

/** Docker's own file; none where there is no home directory. */
export function dockerPath(env: Environment): string | undefined {
  const home = homeOf(env);
  const directory = env.DOCKER_CONFIG || (home && join(home, ".docker"));
  return directory && join(directory, "config.json");
}

/** Where Podman keeps logins until the machine restarts: without `XDG_RUNTIME_DIR` it makes a place of its own. */
function runtimePath(env: Environment): string | undefined {
  if (env.XDG_RUNTIME_DIR) return join(env.XDG_RUNTIME_DIR, "containers", "auth.json");
  const uid = process.platform === "linux" ? process.getuid?.() : undefined;
  return uid === undefined ? undefined : join("/run/containers", String(uid), "auth.json");
}
