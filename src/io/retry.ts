import { setTimeout as sleep } from "node:timers/promises";
import type { Call } from "./call.ts";

/** How often and how patiently something is tried again. Times in milliseconds. */
export interface RetryPolicy {
  /** Further attempts after the first. */
  readonly retries: number;
  /** The backoff's ceiling before the first retry; it doubles with each one. Default 200. */
  readonly baseDelayMs?: number;
  /** Where the ceiling stops growing. Default 10,000. */
  readonly maxDelayMs?: number;
  /** A number in [0, 1) that spreads the delays. Default `Math.random`. */
  readonly random?: () => number;
}

/** The longest `Retry-After` that is waited for, in milliseconds; longer ones are cut to this. */
export const maxRetryAfterMs = 60_000;

/** A retry that is about to be waited for. */
export interface RetryNotice {
  /** 1 for the first retry. */
  readonly attempt: number;
  readonly delayMs: number;
  readonly reason: string;
}

/** What may be said about a {@link Retryable}. */
export interface RetryableDetails {
  /** What the peer asked to be left alone for, in milliseconds. */
  readonly afterMs?: number | undefined;
  /** Fewer retries than the policy allows, for faults that rarely heal. */
  readonly limit?: number;
}

/**
 * Thrown by an attempt to say that another one may succeed. It never leaves {@link Retries}: once no retry is left,
 * `error` is what is thrown.
 */
export class Retryable extends Error {
  readonly error: Error;
  /** For the notice: `503 Service Unavailable`, `connection reset`. */
  readonly reason: string;
  readonly afterMs: number | undefined;
  readonly limit: number;

  constructor(error: Error, reason: string, details: RetryableDetails = {}) {
    super(reason, { cause: error });
    this.error = error;
    this.reason = reason;
    this.afterMs = details.afterMs;
    this.limit = details.limit ?? Number.POSITIVE_INFINITY;
  }
}

/** The retries one piece of work has. */
export class Retries {
  readonly #policy: RetryPolicy;
  readonly #onRetry: (notice: RetryNotice) => void;
  #used = 0;

  constructor(policy: RetryPolicy, onRetry: (notice: RetryNotice) => void) {
    this.#policy = policy;
    this.#onRetry = onRetry;
  }

  /**
   * Takes one retry: announces it and waits until it may begin.
   *
   * @throws the fault's own error when none is left; the signal's reason when aborted.
   */
  async take(fault: Retryable, call: Call): Promise<void> {
    call.signal.throwIfAborted();
    if (this.#used >= Math.min(this.#policy.retries, fault.limit)) throw fault.error;
    const delayMs = retryDelayMs(this.#policy, this.#used, fault.afterMs);
    this.#used += 1;
    this.#onRetry({ attempt: this.#used, delayMs, reason: fault.reason });
    try {
      await sleep(delayMs, undefined, { signal: call.signal });
    } catch (error) {
      call.signal.throwIfAborted();
      throw error;
    }
  }

  /** Gives all retries back: for work that has got on well since the last fault. */
  renew(): void {
    this.#used = 0;
  }
}

/**
 * Runs the attempt until it succeeds, throws anything but {@link Retryable}, or has no retry left.
 *
 * @throws what the attempt throws, unwrapped; the signal's reason when aborted while waiting.
 */
export async function retry<T>(attempt: () => Promise<T>, retries: Retries, call: Call): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Retryable)) throw error;
      await retries.take(error, call);
    }
  }
}

/**
 * The delay before a retry: a random share of a ceiling that doubles each time ("full jitter"), or what the peer
 * asked for when that is longer.
 *
 * @param used retries taken before this one.
 * @internal exported for its test
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function retryDelayMs(policy: RetryPolicy, used: number, afterMs: number | undefined): number {
  const { baseDelayMs = 200, maxDelayMs = 10_000, random = Math.random } = policy;
  const backoff = Math.round(random() * Math.min(maxDelayMs, baseDelayMs * 2 ** used));
  return Math.max(backoff, Math.min(afterMs ?? 0, maxRetryAfterMs));
}

/** Whether a later attempt may fare better after this HTTP status: 408, 429, 499, 522 and the other 5xx. */
export function isTransientStatus(status: number): boolean {
  return status === 408 || status === 429 || status === 499 || (status >= 500 && status <= 599);
}

/**
 * Reads `Retry-After`: seconds, or an HTTP date. A malformed or past one is as good as none.
 *
 * @param now the present, in milliseconds since 1970.
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
 */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  const text = value?.trim() ?? "";
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  if (!/^[A-Za-z]{3,9},? /.test(text)) return undefined;
  const date = Date.parse(text);
  return Number.isNaN(date) || date <= now ? undefined : date - now;
}
