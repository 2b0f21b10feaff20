import type { Dispatcher } from "undici";
import type { Call } from "../../../io/call.ts";
import { type Clock, systemClock } from "../../../io/clock.ts";
import type { Content } from "../../../io/content.ts";
import { type Lease, Leases } from "../../../io/leases.ts";
import { Pacer } from "../../../io/pacer.ts";
import { maxRetryAfterMs } from "../../../io/retry.ts";
import { ComposeImageError } from "../../../model/errors.ts";
import type { HostLimits } from "../../../model/host-limits.ts";
import type { AnswerBody } from "../http.ts";
import { apiUrl, canonicalRegistry } from "./api-host.ts";

/** What timers are late by, and more, may be made up for, so that fast limits are reached; in milliseconds. */
const creditMs = 100;

/** Bounds of the pieces that bodies are sent in, in bytes. */
const smallestPiece = 1024;
const largestPiece = 64 * 1024;

/** How a request takes its turn: reads and writes are counted apart; what is due at once is counted, but waits for nothing. */
export type TurnKind = "read" | "write" | "at once";

/** The limits of all registries of a client. */
export class HostLimiters {
  readonly #limits: ReadonlyMap<string, HostLimits>;
  readonly #clock: Clock;
  readonly #limiters = new Map<string, HostLimiter>();

  /**
   * @param limits by registry, as references name it; `*` for those without limits of their own, each for itself.
   * @throws ComposeImageError `USAGE` for limits that are none.
   */
  constructor(limits: Readonly<Record<string, HostLimits>>, clock: Clock = systemClock) {
    for (const [registry, given] of Object.entries(limits)) checkLimits(registry, given);
    this.#limits = new Map(
      Object.entries(limits).map(([registry, given]) => [canonicalRegistry(registry), given]),
    );
    this.#clock = clock;
  }

  of(registry: string): HostLimiter {
    const name = canonicalRegistry(registry);
    const known = this.#limiters.get(name);
    if (known !== undefined) return known;
    const made = new HostLimiter(this.#limits.get(name) ?? this.#limits.get("*") ?? {}, this.#clock);
    this.#limiters.set(name, made);
    return made;
  }
}

/** Keeps what is asked of one registry, and of those it sends on to, within its limits. */
export class HostLimiter {
  readonly #requests: Pacer;
  readonly #bytes: PacedBytes | undefined;
  readonly #leases: Readonly<Record<"read" | "write", Leases>> | undefined;

  constructor(limits: HostLimits, clock: Clock) {
    const { requestsPerSecond = Number.POSITIVE_INFINITY, bytesPerSecond, concurrency } = limits;
    this.#requests = new Pacer(requestsPerSecond, clock);
    if (bytesPerSecond !== undefined) {
      const piece = Math.floor(bytesPerSecond / 10);
      this.#bytes = {
        pacer: new Pacer(bytesPerSecond, clock, creditMs),
        piece: Math.min(largestPiece, Math.max(smallestPiece, piece)),
      };
    }
    if (concurrency !== undefined) {
      this.#leases = { read: new Leases(concurrency, clock), write: new Leases(concurrency, clock) };
    }
  }

  /**
   * Waits for a request's turn.
   *
   * @throws the signal's reason when aborted, at once.
   */
  async enter(kind: TurnKind, call: Call): Promise<Turn> {
    if (kind === "at once") {
      this.#requests.charge(1);
      return new Turn(undefined, this.#bytes);
    }
    const lease = await this.#leases?.[kind].take(call);
    try {
      await this.#requests.take(1, call);
    } catch (error) {
      lease?.end();
      throw error;
    }
    return new Turn(lease, this.#bytes);
  }

  /**
   * Lets no request begin for a while: the registry has asked to be left alone.
   *
   * @param ms cut to the longest `Retry-After` that is waited for.
   */
  pause(ms: number): void {
    this.#requests.pause(Math.min(ms, maxRetryAfterMs));
  }
}

interface PacedBytes {
  readonly pacer: Pacer;
  /** Most bytes that are sent at once. */
  readonly piece: number;
}

/** One request's turn, from before it is sent until its answer's body has ended, was discarded or failed. */
export class Turn {
  readonly #lease: Lease | undefined;
  readonly #bytes: PacedBytes | undefined;

  constructor(lease: Lease | undefined, bytes: PacedBytes | undefined) {
    this.#lease = lease;
    this.#bytes = bytes;
  }

  /** Waits until a body that is sent in one piece may be sent. */
  async pay(bytes: number, call: Call): Promise<void> {
    await this.#bytes?.pacer.take(bytes, call);
  }

  /** What is sent, when it may be sent. */
  sending(content: Content, call: Call): Content {
    return this.#isLimited ? this.#sent(content, call) : content;
  }

  /** What is received, read when it may be. The turn ends with it. */
  reading(body: Dispatcher.ResponseData["body"], call: Call): AnswerBody {
    body.once("close", () => this.end());
    if (!this.#isLimited) return body;
    this.#lease?.rest();
    return {
      [Symbol.asyncIterator]: () => this.#received(body, call),
      dump: (options) => body.dump(options),
    };
  }

  end(): void {
    this.#lease?.end();
  }

  get #isLimited(): boolean {
    return this.#lease !== undefined || this.#bytes !== undefined;
  }

  async *#sent(content: Content, call: Call): AsyncGenerator<Uint8Array> {
    this.#lease?.rest();
    for await (const chunk of content) {
      this.#lease?.resume();
      const step = this.#bytes?.piece ?? chunk.byteLength;
      for (let at = 0; at < chunk.byteLength; at += step) {
        const piece = chunk.subarray(at, at + step);
        await this.pay(piece.byteLength, call);
        yield piece;
      }
      this.#lease?.rest();
    }
    this.#lease?.resume();
  }

  async *#received(body: Content, call: Call): AsyncGenerator<Uint8Array> {
    this.#lease?.resume();
    for await (const chunk of body) {
      await this.pay(chunk.byteLength, call);
      this.#lease?.rest();
      yield chunk;
      this.#lease?.resume();
    }
  }
}

/** @throws ComposeImageError `USAGE` for limits that would let nothing through, or are for no registry. */
function checkLimits(registry: string, limits: HostLimits): void {
  if (registry !== "*") apiUrl(registry, "https");
  for (const [name, value] of Object.entries(limits)) {
    if (value === undefined) continue;
    const isCount = name === "concurrency";
    if (isCount ? Number.isSafeInteger(value) && value > 0 : Number.isFinite(value) && value > 0) continue;
    throw new ComposeImageError(
      "USAGE",
      `${name} of ${registry} is ${value}: a limit is a ${isCount ? "whole number, at least 1" : "number above 0"}`,
      { hint: "Leave it out where there is no limit." },
    );
  }
}
