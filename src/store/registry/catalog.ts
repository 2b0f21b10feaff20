import type { Call } from "../../io/call.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { isRepository } from "../../model/reference.ts";
import { catalogScope } from "./auth/scope.ts";
import { listNames } from "./name-list.ts";
import type { RegistryApi } from "./registry-api.ts";

/** Most repositories of one registry. */
const maxRepositories = 100_000;

/** What registries answer that have no list of their repositories, or show it to nobody. */
const refusals = ["UNAUTHORIZED", "DENIED", "REGISTRY_REJECTED"];

/**
 * The repositories of a registry, sorted, each once. Many registries show none, or those only that the account may see.
 *
 * @see https://distribution.github.io/distribution/spec/api/#listing-repositories
 * @throws ComposeImageError `UNAUTHORIZED`, `DENIED`, `REGISTRY_REJECTED` where the registry does not tell; `LIMIT_EXCEEDED`
 *   for lists without end, and the transport's.
 */
export async function listRepositories(api: RegistryApi, call: Call): Promise<readonly string[]> {
  const what = `${api.registry}: repositories`;
  const list = { path: "/v2/_catalog", field: "repositories", what, scopes: [catalogScope] };
  const found = new Set<string>();
  try {
    for await (const name of listNames(api, list, call)) {
      if (isRepository(name)) found.add(name);
      if (found.size > maxRepositories) {
        const message = `${api.party.side} ${what}: there are more than ${maxRepositories}`;
        throw new ComposeImageError("LIMIT_EXCEEDED", message);
      }
    }
  } catch (error) {
    if (!(error instanceof ComposeImageError) || !refusals.includes(error.code)) throw error;
    const advice =
      "The registry does not say which repositories it has: name them by giving the mirror file they were mirrored by.";
    const hint = error.code === "REGISTRY_REJECTED" ? advice : `${advice} ${error.hint ?? ""}`.trim();
    throw new ComposeImageError(error.code, error.message, { hint, cause: error });
  }
  return [...found].sort();
}
