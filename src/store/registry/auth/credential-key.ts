import { canonicalRegistry } from "../hosts/api-host.ts";

/**
 * The keys under which credentials for a repository may be filed, most specific first: `host/ns/repo`, `host/ns`,
 * `host`.
 *
 * @param repository may be empty, for the registry itself.
 */
export function credentialKeys(registry: string, repository: string): string[] {
  const parts = [canonicalRegistry(registry), ...(repository === "" ? [] : repository.split("/"))];
  return parts.map((_, index) => parts.slice(0, parts.length - index).join("/"));
}

/**
 * A key of a credentials file in the form of {@link credentialKeys}: one with a scheme, or with the path of the API's
 * version, stands for its whole host; Docker Hub's names are one.
 */
export function normalizeCredentialKey(key: string): string {
  const scheme = /^https?:\/\//i.exec(key)?.[0] ?? "";
  const [host = "", ...path] = key.slice(scheme.length).split("/");
  const namespace = path.filter((part) => part !== "");
  const wholeHost = scheme !== "" || /^v[12]$/.test(namespace[0] ?? "");
  return [canonicalRegistry(host), ...(wholeHost ? [] : namespace)].join("/");
}
