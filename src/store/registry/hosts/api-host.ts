import { ComposeImageError } from "../../../model/errors.ts";

/** The names of Docker Hub, which are one registry. */
const dockerHubNames: readonly string[] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/** The registry's name with aliases and upper case out of the way: what two names must share to be one registry. */
export function canonicalRegistry(registry: string): string {
  const name = registry.toLowerCase();
  return dockerHubNames.includes(name) ? "docker.io" : name;
}

/**
 * The host and port that serve a registry's API; `docker.io` is the one whose differ from its name.
 *
 * @throws ComposeImageError `REFERENCE_INVALID` when no URL can be made of the name.
 */
export function apiUrl(registry: string, scheme: "http" | "https"): URL {
  const name = canonicalRegistry(registry);
  const url = URL.parse(`${scheme}://${name === "docker.io" ? "registry-1.docker.io" : name}/`);
  if (url === null || url.pathname !== "/" || url.username !== "" || url.search !== "") {
    throw new ComposeImageError("REFERENCE_INVALID", `${JSON.stringify(registry)} is not a registry's host`);
  }
  return url;
}

/** Whether a URL leads to the host and port that serve a registry. */
export function isHostOf(url: Pick<URL, "host" | "protocol">, registry: string): boolean {
  return url.host === apiUrl(registry, url.protocol === "http:" ? "http" : "https").host;
}

/** Whether the registry is one of those that need no verified TLS: named with its port, or by host for all ports. */
export function isInsecureHost(host: string, insecureHosts: readonly string[]): boolean {
  const name = host.toLowerCase();
  const withoutPort = name.replace(/:\d+$/, "");
  return insecureHosts.some((entry) => [name, withoutPort].includes(entry.toLowerCase()));
}
