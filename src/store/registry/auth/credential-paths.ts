import { join } from "node:path";
import { homeOf } from "../hosts/home.ts";
import type { Environment } from "../hosts/proxy.ts";

/**
 * Where credentials files are looked for, in order, after `DOCKER_AUTH_CONFIG`: the one named by option, then
 * `REGISTRY_AUTH_FILE`, Podman's two places, Docker's.
 *
 * @see https://github.com/containers/image/blob/v5.36.0/docs/containers-auth.json.5.md
 */
export function credentialPaths(authfile: string | undefined, env: Environment): string[] {
  const home = homeOf(env);
  const configHome = env.XDG_CONFIG_HOME || (home && join(home, ".config"));
  const dockerConfig = env.DOCKER_CONFIG || (home && join(home, ".docker"));
  return [
    authfile,
    env.REGISTRY_AUTH_FILE,
    env.XDG_RUNTIME_DIR && join(env.XDG_RUNTIME_DIR, "containers", "auth.json"),
    configHome && join(configHome, "containers", "auth.json"),
    dockerConfig && join(dockerConfig, "config.json"),
  ].filter((path): path is string => path !== undefined && path !== "");
}
