import { type HttpAnswer, headersOf } from "./http.ts";

/** Most pages of a list that are asked for. */
export const maxPages = 1000;

/** Where the next page of a list is: on the host that was asked, or nowhere. */
export function nextPage(answer: HttpAnswer): URL | undefined {
  const link = headersOf(answer, "link").join(", ");
  const target = /<([^<>]*)>\s*;[^,]*\brel="?next\b/i.exec(link)?.[1];
  const url = target === undefined ? null : URL.parse(target, answer.url.href);
  return url?.origin === answer.url.origin ? url : undefined;
}
