import type { Call } from "../../io/call.ts";
import { collect } from "../../io/collect.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { isJsonObject } from "../../model/json.ts";
import { repositoryScope } from "./auth/scope.ts";
import { maxPages, nextPage } from "./paging.ts";
import type { RegistryApi } from "./registry-api.ts";

const maxPageSize = 4 * 1024 * 1024;

type Page = [tags: string[], next: URL | undefined];

/**
 * The tags of a repository, page by page as the registry gives them.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
 * @throws ComposeImageError `MANIFEST_NOT_FOUND` for a repository that is not there, `LIMIT_EXCEEDED` for lists without
 *   end, `REGISTRY_REJECTED` for what is no list, and the transport's.
 */
export async function* listTags(api: RegistryApi, call: Call): AsyncGenerator<string> {
  const what = `${api.party.store}: tags`;
  let target: string | URL | undefined = `/v2/${api.repository}/tags/list`;
  for (let page = 0; target !== undefined; page += 1) {
    if (page === maxPages) {
      throw new ComposeImageError(
        "LIMIT_EXCEEDED",
        `${api.party.side} ${what}: the list has more than ${maxPages} pages`,
      );
    }
    const asked: string | URL = target;
    const [tags, next]: Page = await api.retry(what, () => pageOf(api, asked, what, call), call);
    yield* tags;
    target = next;
  }
}

async function pageOf(api: RegistryApi, target: string | URL, what: string, call: Call): Promise<Page> {
  const scopes = [repositoryScope(api.repository, "pull")];
  const answer = await api.send({ method: "GET", target, scopes }, call);
  if (answer.status !== 200) throw await api.reject(answer, { what, notFound: "MANIFEST_NOT_FOUND" }, call);
  const bytes = await collect(answer.body, maxPageSize, `${api.party.side} ${what}`);
  const tags = tagsIn(bytes.toString("utf8"));
  if (tags === undefined) {
    throw new ComposeImageError(
      "REGISTRY_REJECTED",
      `${api.party.side} ${what}: ${answer.url.host} answered with something that is no list`,
    );
  }
  return [tags, nextPage(answer)];
}

function tagsIn(text: string): string[] | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isJsonObject(json)) return undefined;
  const { tags } = json;
  if (tags === null || tags === undefined) return [];
  return Array.isArray(tags) ? tags.filter((tag) => typeof tag === "string") : undefined;
}
