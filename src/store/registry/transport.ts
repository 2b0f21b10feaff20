import { setImmediate as nextTurn } from "node:timers/promises";
import { abortable } from "../../io/abortable.ts";
import type { Call } from "../../io/call.ts";
import { parseRetryAfter } from "../../io/retry.ts";
import type { TransferListener } from "../../io/transfer.ts";
import type { Dispatchers } from "./hosts/dispatchers.ts";
import type { HostLimiter, HostLimiters, Turn } from "./hosts/host-limiter.ts";
import { type HttpAnswer, type HttpRequest, headerOf, type Party } from "./http.ts";
import { networkFault } from "./network-fault.ts";
import { redactUrl } from "./redact.ts";

/** Options of {@link Transport}. */
export interface TransportOptions {
  readonly dispatchers: Dispatchers;
  readonly limiters: HostLimiters;
  /** Longest time without progress, in milliseconds. */
  readonly timeoutMs: number;
  readonly userAgent: string;
  readonly onTransfer: TransferListener;
}

/** Bytes of an answer that may wait for their reader. */
const highWaterMark = 256 * 1024;

/** Single HTTP exchanges, each in its turn: no credentials, no redirects, no retries. */
export class Transport {
  readonly timeoutMs: number;
  readonly onTransfer: TransferListener;
  readonly #dispatchers: Dispatchers;
  readonly #limiters: HostLimiters;
  readonly #userAgent: string;

  constructor(options: TransportOptions) {
    this.timeoutMs = options.timeoutMs;
    this.onTransfer = options.onTransfer;
    this.#dispatchers = options.dispatchers;
    this.#limiters = options.limiters;
    this.#userAgent = options.userAgent;
  }

  /**
   * Sends a request, as soon as the limits of the party's registry allow, and waits for the answer's head, whatever its
   * status. The request is under way until the answer's body has been read or discarded.
   *
   * @throws Retryable or ComposeImageError (`NETWORK`, `TLS`) when there is no answer; the signal's reason when aborted.
   */
  async exchange(request: HttpRequest, party: Party, call: Call): Promise<HttpAnswer> {
    call.signal.throwIfAborted();
    const limiter = this.#limiters.of(party.registry);
    const isRead = request.method === "GET" || request.method === "HEAD";
    const kind = request.atOnce === true ? "at once" : isRead ? "read" : "write";
    const turn = await limiter.enter(kind, request.queueing ?? call);
    try {
      return await this.#exchange(request, turn, limiter, party, call);
    } catch (error) {
      turn.end();
      throw error;
    }
  }

  async #exchange(
    request: HttpRequest,
    turn: Turn,
    limiter: HostLimiter,
    party: Party,
    call: Call,
  ): Promise<HttpAnswer> {
    const { method, url, headers, body, headersTimeoutMs = this.timeoutMs, closing = false } = request;
    if (typeof body === "string" || body instanceof Buffer) await turn.pay(Buffer.byteLength(body), call);
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
        body: typeof body === "function" ? body((content) => turn.sending(content, call)) : (body ?? null),
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
      const got: HttpAnswer = {
        ...{ status: answer.statusCode, headers: answer.headers, url, redirected: false },
        body: turn.reading(answer.body, call),
      };
      if (got.status === 429) limiter.pause(parseRetryAfter(headerOf(got, "retry-after"), Date.now()) ?? 0);
      return got;
    } catch (error) {
      call.signal.throwIfAborted();
      throw networkFault(error, url.host, party, this.timeoutMs, proxy);
    }
  }
}
