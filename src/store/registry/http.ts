import type { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import type { Side } from "../../io/transfer.ts";

/** On whose behalf a request is made: what messages and events name. */
export interface Party {
  readonly side: Side;
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
  readonly body?: string | Buffer | Readable;
  /** Longest wait for the answer's head, in milliseconds, in place of the usual one; 0 for no limit. */
  readonly headersTimeoutMs?: number;
  /** Whether it takes a new connection, which is given up afterwards. Default `false`. */
  readonly closing?: boolean;
}

/** The answer to a request, its body not read yet. Somebody has to read it, or give it to {@link discard}. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData["headers"];
  readonly body: Dispatcher.ResponseData["body"];
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
