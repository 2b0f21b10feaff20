import type { Call } from "../../io/call.ts";
import { repositoryScope } from "./auth/scope.ts";
import { listNames } from "./name-list.ts";
import type { RegistryApi } from "./registry-api.ts";

/**
 * The tags of a repository, page by page as the registry gives them.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
 * @throws ComposeImageError `MANIFEST_NOT_FOUND` for a repository that is not there, `LIMIT_EXCEEDED` for lists without
 *   end, `REGISTRY_REJECTED` for what is no list, and the transport's.
 */
export function listTags(api: RegistryApi, call: Call): AsyncGenerator<string> {
  const list = {
    path: `/v2/${api.repository}/tags/list`,
    field: "tags",
    what: `${api.party.store}: tags`,
    scopes: [repositoryScope(api.repository, "pull")],
    notFound: "MANIFEST_NOT_FOUND",
  } as const;
  return listNames(api, list, call);
}
