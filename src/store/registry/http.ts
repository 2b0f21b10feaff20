import type { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import type { Call } from "../../io/call.ts";
import type { Content } from "../../io/content.ts";
import type { Side } from "../../io/transfer.ts";

/** On whose behalf a request is made: what messages and events name. */
export interface Party {
  readonly side: Side;
  /** As the reference names it. Its limits hold for whatever is asked for its sake, of whomever. */
  readonly registry: string;
  /** `registry.example/team/app` */
  readonly store: string;
  /** A registry, as references name it, that needs no verified TLS and may speak plain HTTP when it is asked for this. */
  readonly insecureRegistry?: string | undefined;
}

/** One HTTP request. */
export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | StreamedBody;
  /** Longest wait for the answer's head, in milliseconds, in place of the usual one; 0 for no limit. */
  readonly headersTimeoutMs?: number;
  /** Whether it takes a new connection, which is given up afterwards. Default `false`. */
  readonly closing?: boolean;
  /** Whether it waits for no limit: part of another request, which may hold what it would wait for. Default `false`. */
  readonly atOnce?: boolean;
  /** Ends the wait for its turn, where the call itself outlasts its abort. */
  readonly queueing?: Call | undefined;
}

/** Makes a body that is sent as it comes. What is sent goes through `paced`, which holds it up as limits want it. */
export type StreamedBody = (paced: (content: Content) => Content) => Readable;

/** An answer's body. */
export interface AnswerBody extends AsyncIterable<Uint8Array> {
  /** Reads on to the end, at most `limit` bytes, and gives up the connection where there are more. */
  dump(options: { readonly limit: number }): Promise<void>;
}

/** The answer to a request, its body not read yet. Somebody has to read it, or give it to {@link discard}. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData["headers"];
  readonly body: AnswerBody;
  /** What was asked for, after redirects. */
  readonly url: URL;
  /** Whether somebody else than the one first asked may have answered. */
  readonly redirected: boolean;
}

/** A header's value; the first where it came several times. */
export function headerOf(answer: HttpAnswer, name: string): string | undefined {
  const value = answer.headers[name];
  return typeof value === "string" ? value : value?.[0];
}

/** All values of a header that may come several times. */
export function headersOf(answer: HttpAnswer, name: string): readonly string[] {
  const value = answer.headers[name];
  return value === undefined ? [] : typeof value === "string" ? [value] : value;
}

/** The media type in `Content-Type`, lower case and without parameters. */
export function contentTypeOf(answer: HttpAnswer): string | undefined {
  return headerOf(answer, "content-type")?.split(";")[0]?.trim().toLowerCase() || undefined;
}

/** Whether the answer brings an HTML page: what login pages and proxies answer in a registry's place. */
export function isPage(answer: HttpAnswer): boolean {
  return contentTypeOf(answer) === "text/html" && contentLengthOf(answer) !== 0;
}

/** `Content-Length`, where there is a sound one. */
export function contentLengthOf(answer: HttpAnswer): number | undefined {
  const text = headerOf(answer, "content-length") ?? "";
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Gets rid of an answer nobody wants to read; short ones are read to the end so that the connection stays of use. */
export async function discard(answer: HttpAnswer): Promise<void> {
  try {
    await answer.body.dump({ limit: 64 * 1024 });
  } catch {
    // the connection is gone, which is as good
  }
}
