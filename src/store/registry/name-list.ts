import type { Call } from "../../io/call.ts";
import { collect } from "../../io/collect.ts";
import { ComposeImageError, type ErrorCode } from "../../model/errors.ts";
import { isJsonObject } from "../../model/json.ts";
import { maxPages, nextPage } from "./paging.ts";
import type { RegistryApi } from "./registry-api.ts";

const maxPageSize = 4 * 1024 * 1024;

/** A list of names that a registry gives. */
export interface NameList {
  /** Where it is, below the registry's root. */
  readonly path: string;
  /** The field of the answer that holds the names. */
  readonly field: string;
  /** For messages: `registry.example/app: tags`. */
  readonly what: string;
  readonly scopes: readonly string[];
  /** The code a 404 stands for. Default `REGISTRY_REJECTED`. */
  readonly notFound?: ErrorCode;
}

type Page = [names: string[], next: URL | undefined];

/**
 * The names, page by page as the registry gives them.
 *
 * @throws ComposeImageError `LIMIT_EXCEEDED` for lists without end, `REGISTRY_REJECTED` for what is no list, and the
 *   transport's.
 */
export async function* listNames(api: RegistryApi, list: NameList, call: Call): AsyncGenerator<string> {
  const { what } = list;
  let target: string | URL | undefined = list.path;
  for (let page = 0; target !== undefined; page += 1) {
    if (page === maxPages) {
      throw new ComposeImageError(
        "LIMIT_EXCEEDED",
        `${api.party.side} ${what}: the list has more than ${maxPages} pages`,
      );
    }
    const asked: string | URL = target;
    const [names, next]: Page = await api.retry(what, () => pageOf(api, asked, list, call), call);
    yield* names;
    target = next;
  }
}

async function pageOf(api: RegistryApi, target: string | URL, list: NameList, call: Call): Promise<Page> {
  const { what, scopes, notFound, field } = list;
  const answer = await api.send({ method: "GET", target, scopes }, call);
  const expectation = { what, ...(notFound !== undefined && { notFound }) };
  if (answer.status !== 200) throw await api.reject(answer, expectation, call);
  const bytes = await collect(answer.body, maxPageSize, `${api.party.side} ${what}`);
  const names = namesIn(bytes.toString("utf8"), field);
  if (names === undefined) {
    throw new ComposeImageError(
      "REGISTRY_REJECTED",
      `${api.party.side} ${what}: ${answer.url.host} answered with something that is no list`,
    );
  }
  return [names, nextPage(answer)];
}

function namesIn(text: string, field: string): string[] | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isJsonObject(json)) return undefined;
  const names = json[field];
  if (names === null || names === undefined) return [];
  return Array.isArray(names) ? names.filter((name) => typeof name === "string") : undefined;
}
