import type { Call } from "../../io/call.ts";
import type { Content } from "../../io/content.ts";
import { type Retries, Retryable } from "../../io/retry.ts";
import type { TransferListener } from "../../io/transfer.ts";
import { verify } from "../../io/verify.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { type ByteRange, formatRange, isContentRange } from "./content-range.ts";
import { contentLengthOf, contentTypeOf, discard, type HttpAnswer, headerOf, type Party } from "./http.ts";
import { networkFault } from "./network-fault.ts";

/** Where a blob's bytes come from. */
export interface BlobOrigin {
  readonly party: Party;
  /** Sends the GET with these headers, and gives the answer when it is 200 or 206; throws otherwise. */
  readonly get: (headers: Readonly<Record<string, string>>, call: Call) => Promise<HttpAnswer>;
  readonly retries: Retries;
  readonly onTransfer: TransferListener;
  readonly timeoutMs: number;
}

/** After this many bytes without a fault, all retries are there again. */
const renewalBytes = 1024 * 1024;

/**
 * Opens a blob, and gives its verified content. A connection that breaks is taken up again where it broke, by a range
 * request; the digest spans all parts. Reads ask for no content coding, and none is undone: the bytes that came decide.
 *
 * @throws what `get` throws; while reading, what {@link verify} and the transport throw.
 */
export async function readBlob(origin: BlobOrigin, descriptor: Descriptor, call: Call): Promise<Content> {
  const reader = new BlobReader(origin, descriptor, call);
  const first = await reader.open();
  return reader.read(first);
}

/** The bytes from `start` on, asked for by range; **not verified** but for their number. */
export async function readBlobFrom(
  origin: BlobOrigin,
  descriptor: Descriptor,
  start: number,
  call: Call,
): Promise<Content> {
  const reader = new BlobReader(origin, descriptor, call, start);
  const first = await reader.open();
  return reader.readOn(first);
}

class BlobReader {
  readonly #origin: BlobOrigin;
  readonly #descriptor: Descriptor;
  readonly #call: Call;
  /** Bytes passed on, and those that were not wanted. */
  #offset: number;
  /** Bytes of the present answer that were passed on before it, when it begins anew. */
  #skip = 0;
  #useRange = true;
  #sinceFault = 0;

  constructor(origin: BlobOrigin, descriptor: Descriptor, call: Call, start = 0) {
    this.#origin = origin;
    this.#descriptor = descriptor;
    this.#call = call;
    this.#offset = start;
  }

  /** Asks for what is still to come, as often as the retries allow. */
  async open(): Promise<HttpAnswer> {
    for (;;) {
      try {
        return await this.#ask();
      } catch (error) {
        this.#call.signal.throwIfAborted();
        if (!(error instanceof Retryable)) throw error;
        await this.#origin.retries.take(error, this.#call);
      }
    }
  }

  read(first: HttpAnswer): AsyncGenerator<Uint8Array> {
    return this.#told(verify(this.#bytes(first), this.#descriptor, this.#subject(first)));
  }

  readOn(first: HttpAnswer): AsyncGenerator<Uint8Array> {
    return this.#told(this.#bytes(first));
  }

  async *#told(content: Content): AsyncGenerator<Uint8Array> {
    const { onTransfer, party } = this.#origin;
    const descriptor = this.#descriptor;
    const about = { direction: "download", store: party.store, descriptor } as const;
    onTransfer({ kind: "started", ...about });
    let finished = false;
    try {
      for await (const chunk of content) {
        onTransfer({ kind: "progress", ...about, bytes: chunk.byteLength });
        yield chunk;
      }
      finished = true;
    } finally {
      onTransfer({ kind: finished ? "finished" : "failed", ...about });
    }
  }

  async *#bytes(first: HttpAnswer): AsyncGenerator<Uint8Array> {
    const { size } = this.#descriptor;
    let answer = first;
    for (;;) {
      let fault: Retryable;
      try {
        for await (const chunk of answer.body) {
          const fresh = this.#skip === 0 ? chunk : chunk.subarray(this.#skip);
          this.#skip -= chunk.byteLength - fresh.byteLength;
          if (fresh.byteLength === 0) continue;
          this.#advance(fresh.byteLength);
          yield fresh;
        }
        if (this.#offset >= size) return;
        fault = this.#endedEarly(answer);
      } catch (error) {
        this.#call.signal.throwIfAborted();
        const { party, timeoutMs } = this.#origin;
        const mapped = networkFault(error, answer.url.host, party, timeoutMs);
        if (!(mapped instanceof Retryable)) throw mapped;
        fault = mapped;
      }
      this.#sinceFault = 0;
      await this.#origin.retries.take(fault, this.#call);
      if (this.#offset >= size) return;
      answer = await this.open();
    }
  }

  async #ask(): Promise<HttpAnswer> {
    const { size } = this.#descriptor;
    const range = this.#offset > 0 && this.#useRange ? { first: this.#offset, last: size - 1 } : undefined;
    const headers = {
      "accept-encoding": "identity",
      ...(range !== undefined && { range: formatRange(range) }),
    };
    let answer: HttpAnswer;
    try {
      answer = await this.#origin.get(headers, this.#call);
    } catch (error) {
      if (range === undefined || !(error instanceof ComposeImageError) || error.code !== "REGISTRY_REJECTED")
        throw error;
      return this.#withoutRange(error);
    }
    if (answer.status === 206) {
      if (range === undefined || !isContentRange(headerOf(answer, "content-range"), range, size)) {
        await discard(answer);
        const error = new ComposeImageError(
          "REGISTRY_REJECTED",
          `${this.#subject(answer)} ${this.#descriptor.digest}: answered with another range than asked for`,
        );
        return this.#withoutRange(error);
      }
      this.#skip = 0;
    } else {
      this.#skip = this.#offset;
    }
    await this.#checkLength(answer, range);
    return answer;
  }

  /** Asks once more, for the whole blob; a server whose ranges fail even then has no more chances. */
  #withoutRange(error: ComposeImageError): Promise<HttpAnswer> {
    if (!this.#useRange || this.#offset === 0) throw error;
    this.#useRange = false;
    return this.#ask();
  }

  async #checkLength(answer: HttpAnswer, range: ByteRange | undefined): Promise<void> {
    const { size, digest } = this.#descriptor;
    const length = contentLengthOf(answer);
    const expected = answer.status === 206 && range !== undefined ? range.last - range.first + 1 : size;
    if (length === undefined || length === expected) return;
    await discard(answer);
    const error = new ComposeImageError(
      "SIZE_MISMATCH",
      `${this.#subject(answer)} ${digest}: the answer has ${length} bytes in place of ${expected}`,
      {
        hint: "Retry; if it repeats, the stored content is damaged or something on the way answers in its place.",
      },
    );
    throw new Retryable(error, "wrong length", { limit: 1 });
  }

  #endedEarly(answer: HttpAnswer): Retryable {
    const { size, digest } = this.#descriptor;
    const error = new ComposeImageError(
      "SIZE_MISMATCH",
      `${this.#subject(answer)} ${digest} ended after ${this.#offset} of ${size} bytes`,
      { hint: "Retry; if it repeats, the stored content is damaged or a proxy on the way cuts it." },
    );
    return new Retryable(error, "ended early", { limit: 1 });
  }

  #advance(bytes: number): void {
    this.#offset += bytes;
    this.#sinceFault += bytes;
    if (this.#sinceFault >= renewalBytes) this.#origin.retries.renew();
  }

  /** What is read, and what is odd about the answer. */
  #subject(answer: HttpAnswer): string {
    const { side, store } = this.#origin.party;
    const encoding = headerOf(answer, "content-encoding");
    const oddity =
      encoding !== undefined && encoding !== "identity"
        ? ` (answered with content encoding ${encoding})`
        : contentTypeOf(answer) === "text/html"
          ? " (answered with an HTML page)"
          : "";
    return `${side} ${store}: blob${oddity}`;
  }
}
