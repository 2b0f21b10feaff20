import { isRepository } from "../model/reference.ts";
import { Refusal } from "./refusal.ts";

/** What a request's path asks for. The last component is still as the client wrote it. */
export type Route =
  | { readonly kind: "base" }
  | { readonly kind: "catalog" }
  | { readonly kind: "tags"; readonly repository: string }
  | { readonly kind: "manifest"; readonly repository: string; readonly reference: string }
  | { readonly kind: "blob"; readonly repository: string; readonly digest: string }
  | { readonly kind: "uploads"; readonly repository: string }
  | { readonly kind: "upload"; readonly repository: string; readonly session: string }
  | { readonly kind: "referrers"; readonly repository: string; readonly digest: string };

/**
 * Reads a request's path (without query).
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints
 * @throws Refusal `NAME_INVALID` for a repository no registry takes, `NAME_UNKNOWN` for a path that is no endpoint.
 */
export function parseRoute(path: string): Route {
  const decoded = decode(path);
  if (decoded === "/v2" || decoded === "/v2/") return { kind: "base" };
  if (decoded === "/v2/_catalog") return { kind: "catalog" };
  const [, name, endpoint] =
    /^\/v2\/(.+?)\/((?:manifests|blobs|tags|referrers)\/[^/]*|blobs\/uploads\/[^/]*)$/.exec(decoded) ?? [];
  if (name === undefined || endpoint === undefined) {
    throw new Refusal(404, "NAME_UNKNOWN", "no endpoint of the distribution API has this path");
  }
  const route = routeOf(name, endpoint);
  if (!isRepository(route.repository)) {
    throw new Refusal(400, "NAME_INVALID", "the repository's name is malformed");
  }
  return route;
}

function routeOf(repository: string, endpoint: string): Exclude<Route, { kind: "base" | "catalog" }> {
  const slash = endpoint.lastIndexOf("/");
  const last = endpoint.slice(slash + 1);
  switch (endpoint.slice(0, slash)) {
    case "manifests":
      return { kind: "manifest", repository, reference: last };
    case "referrers":
      return { kind: "referrers", repository, digest: last };
    case "blobs/uploads":
      return last === "" ? { kind: "uploads", repository } : { kind: "upload", repository, session: last };
    case "blobs":
      return last === "uploads"
        ? { kind: "uploads", repository }
        : { kind: "blob", repository, digest: last };
    default:
      if (last === "list") return { kind: "tags", repository };
      throw new Refusal(404, "NAME_UNKNOWN", "no endpoint of the distribution API has this path");
  }
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new Refusal(400, "NAME_INVALID", "the path is not percent-encoded UTF-8");
  }
}
