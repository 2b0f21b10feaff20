import { setImmediate as nextTurn } from "node:timers/promises";
import { abortable } from "../../io/abortable.ts";
import type { Call } from "../../io/call.ts";
import type { TransferListener } from "../../io/transfer.ts";
import type { Dispatchers } from "./hosts/dispatchers.ts";
import type { HttpAnswer, HttpRequest, Party } from "./http.ts";
import { networkFault } from "./network-fault.ts";
import { redactUrl } from "./redact.ts";

/** Options of {@link Transport}. */
export interface TransportOptions {
  readonly dispatchers: Dispatchers;
  /** Longest time without progress, in milliseconds. */
  readonly timeoutMs: number;
  readonly userAgent: string;
  readonly onTransfer: TransferListener;
}

/** Bytes of an answer that may wait for their reader. */
const highWaterMark = 256 * 1024;

/** Single HTTP exchanges: no credentials, no redirects, no retries. */
export class Transport {
  readonly timeoutMs: number;
  readonly onTransfer: TransferListener;
  readonly #dispatchers: Dispatchers;
  readonly #userAgent: string;

  constructor(options: TransportOptions) {
    this.timeoutMs = options.timeoutMs;
    this.onTransfer = options.onTransfer;
    this.#dispatchers = options.dispatchers;
    this.#userAgent = options.userAgent;
  }

  /**
   * Sends a request and waits for the answer's head, whatever its status.
   *
   * @throws Retryable or ComposeImageError (`NETWORK`, `TLS`) when there is no answer; the signal's reason when aborted.
   */
  async exchange(request: HttpRequest, party: Party, call: Call): Promise<HttpAnswer> {
    call.signal.throwIfAborted();
    const { method, url, headers, body, headersTimeoutMs = this.timeoutMs, closing = false } = request;
    // a connection is free one turn after its last answer's end: waiting for it saves opening another
    await nextTurn();
    const begun = performance.now();
    const { dispatcher, proxy } = this.#dispatchers.route(url, party.insecureRegistry, closing);
    try {
      const answering = dispatcher.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers: { "user-agent": this.#userAgent, ...headers },
        body: body ?? null,
        // by itself undici gives up the connection after a HEAD; proxies such as tinyproxy close the connection after
        // each answer without a word, and the next request would be lost on its way
        reset: closing || (proxy !== undefined && url.protocol === "http:"),
        signal: call.signal,
        headersTimeout: headersTimeoutMs,
        bodyTimeout: this.timeoutMs,
        highWaterMark,
      });
      // undici looks at the signal only once it has a connection, which can take long
      const answer = await abortable(answering, call);
      this.onTransfer({
        kind: "request",
        store: party.store,
        method,
        url: redactUrl(url),
        status: answer.statusCode,
        ms: Math.round(performance.now() - begun),
      });
      return {
        status: answer.statusCode,
        headers: answer.headers,
        body: answer.body,
        url,
        redirected: false,
      };
    } catch (error) {
      call.signal.throwIfAborted();
      throw networkFault(error, url.host, party, this.timeoutMs, proxy);
    }
  }
}
