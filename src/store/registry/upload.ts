import type { Call } from "../../io/call.ts";
import { outlasting } from "../../io/outlasting.ts";
import { type Retries, Retryable } from "../../io/retry.ts";
import { digestAlgorithm, isDigest } from "../../model/digest.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { repositoryScope } from "./auth/scope.ts";
import { discard, type HttpAnswer, headerOf, isPage } from "./http.ts";
import type { ApiRequest, RegistryApi } from "./registry-api.ts";
import { pageError } from "./rejection.ts";
import { type PartWork, sendPart } from "./send-part.ts";
import { resolveUploadLocation, withDigest } from "./upload-location.ts";
import { receivedBytes, UploadSession } from "./upload-session.ts";

/** Longest time that learning of an upload session, and cancelling it, may take after an abort, in milliseconds. */
export const cancelMs = 2_000;

/** After so many bytes more than ever before, all retries are there again. */
const renewalBytes = 1024 * 1024;

/** What an {@link Upload} is made of. */
export interface UploadWork extends PartWork {
  readonly retries: Retries;
  /** Whether the blob is at the registry. */
  readonly isThere: (call: Call) => Promise<boolean>;
}

/**
 * One blob on its way to a registry: in one request of its own length, unless the registry or the way to it is not up
 * to that. After a fault the registry is asked how much it has, and gets the rest; one that does not say gets a new
 * session. A session that comes to nothing is cancelled.
 */
export class Upload {
  readonly #work: UploadWork;
  #session: UploadSession | undefined;
  /** The most bytes that the registry has ever said to have. */
  #best = 0;

  /** @param begun a session that was begun elsewhere for this blob. */
  constructor(work: UploadWork, begun: URL | undefined) {
    this.#work = work;
    if (begun !== undefined) this.#session = new UploadSession(begun, undefined);
  }

  /** @throws Retryable; ComposeImageError `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `REGISTRY_REJECTED`, …; the source's. */
  async attempt(call: Call): Promise<void> {
    if (this.#session?.uncertain === true) {
      const wasWhole = this.#session.sent === this.#work.descriptor.size;
      await this.#locate(this.#session, call);
      if (this.#session === undefined && wasWhole && (await this.#work.isThere(call))) return;
    }
    for (;;) {
      this.#session ??= await this.#begin(call);
      call.signal.throwIfAborted();
      if (await this.#complete(this.#session, call)) return;
      await this.abandon();
    }
  }

  /** Cancels the session, if there is one. Best effort, and short: the registry drops it some day itself. */
  async abandon(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    if (session !== undefined) await cancelUpload(this.#work.api, session.location);
  }

  /** Waits for the answer even when aborted, for a while: a session whose place nobody knows cannot be cancelled. */
  async #begin(call: Call): Promise<UploadSession> {
    const { api } = this.#work;
    const request = this.#request("POST", `/v2/${api.repository}/blobs/uploads/`);
    const answer = await outlasting(call, cancelMs, (inner) =>
      api.send({ ...request, queueing: call }, inner),
    );
    if (answer.status !== 202) throw await this.#reject(answer, call);
    await discard(answer);
    const location = resolveUploadLocation(headerOf(answer, "location"), answer.url, api.party);
    return new UploadSession(location, headerOf(answer, "oci-chunk-min-length"));
  }

  /** Asks how much of the blob has arrived. A registry that does not tell gets a new session. */
  async #locate(session: UploadSession, call: Call): Promise<void> {
    const { api } = this.#work;
    const answer = await api.send(this.#request("GET", session.location), call);
    const { status } = answer;
    if (status >= 500 || status === 429) throw await this.#reject(answer, call);
    await discard(answer);
    const received = [200, 202, 204].includes(status) ? receivedBytes(headerOf(answer, "range")) : undefined;
    if (received === undefined || received > session.sent) return this.abandon();
    this.#moveTo(session, answer);
    this.#confirm(session, received);
  }

  /** Sends what is missing. Gives `false` when it takes another session, with other parts. */
  async #complete(session: UploadSession, call: Call): Promise<boolean> {
    const { descriptor, parts } = this.#work;
    const isWhole =
      session.received === 0 && parts.next(0, descriptor.size, session.minPart) === descriptor.size;
    while (!isWhole && session.received < descriptor.size) {
      if (!(await this.#append(session, call))) return false;
    }
    return this.#finish(session, call);
  }

  async #append(session: UploadSession, call: Call): Promise<boolean> {
    const { descriptor, parts } = this.#work;
    const first = session.received;
    const end = parts.next(first, descriptor.size, session.minPart);
    const range = { first, last: end - 1 };
    const headers = { "content-range": `${first}-${end - 1}` };
    const answer = await sendPart(
      this.#work,
      session,
      { method: "PATCH", target: session.location, range, headers },
      call,
    );
    const { status } = answer;
    if (![200, 201, 202, 204].includes(status)) {
      const tooLarge = status === 413 && parts.shrinkAfterRefusal(range, session.minPart);
      if (tooLarge || parts.joinAfterRefusal(status, range)) {
        await discard(answer);
        return false;
      }
      throw await this.#refusal(session, answer, call);
    }
    await discard(answer);
    if (isPage(answer)) throw pageError(answer, this.#what, this.#work.api.party);
    this.#moveTo(session, answer);
    const received = receivedBytes(headerOf(answer, "range")) ?? end;
    if (received <= first || received > end)
      throw await this.#lost(session, "the registry took nothing of it");
    this.#confirm(session, received);
    return true;
  }

  async #finish(session: UploadSession, call: Call): Promise<boolean> {
    const { descriptor, parts, api } = this.#work;
    const range = { first: session.received, last: descriptor.size - 1 };
    const target = withDigest(session.location, descriptor.digest);
    const answer = await sendPart(this.#work, session, { method: "PUT", target, range }, call);
    const { status } = answer;
    if (status !== 200 && status !== 201 && status !== 204) {
      if (status === 413 && parts.shrinkAfterRefusal(range, session.minPart)) {
        await discard(answer);
        return false;
      }
      throw await this.#refusal(session, answer, call);
    }
    await discard(answer);
    if (isPage(answer)) throw pageError(answer, this.#what, api.party);
    this.#check(answer);
    this.#session = undefined;
    return true;
  }

  #moveTo(session: UploadSession, answer: HttpAnswer): void {
    const location = headerOf(answer, "location");
    if (location !== undefined) {
      session.location = resolveUploadLocation(location, answer.url, this.#work.api.party);
    }
  }

  #confirm(session: UploadSession, received: number): void {
    session.received = received;
    session.uncertain = false;
    if (received < this.#best + renewalBytes) return;
    this.#best = received;
    this.#work.retries.renew();
  }

  /** The error of an answer that ends the attempt. */
  async #refusal(session: UploadSession, answer: HttpAnswer, call: Call): Promise<Error> {
    const { status } = answer;
    const error = await this.#reject(answer, call);
    if (error instanceof Retryable) return error;
    if (status === 404) {
      await this.abandon();
      return new Retryable(error, "the upload session is lost", { limit: 2 });
    }
    if (status === 416 || (status === 409 && session.received > 0)) {
      return new Retryable(error, "the registry has another part of the upload");
    }
    return error;
  }

  async #lost(session: UploadSession, reason: string): Promise<Retryable> {
    await this.abandon();
    const { side, store } = this.#work.api.party;
    const error = new ComposeImageError(
      "REGISTRY_REJECTED",
      `${side} ${store}: ${session.location.host}: upload of ${this.#work.descriptor.digest}: ${reason}`,
    );
    return new Retryable(error, reason, { limit: 2 });
  }

  #check(answer: HttpAnswer): void {
    const { api, descriptor } = this.#work;
    const { digest } = descriptor;
    const stored = headerOf(answer, "docker-content-digest");
    if (!isDigest(stored) || digestAlgorithm(stored) !== digestAlgorithm(digest) || stored === digest) return;
    throw new ComposeImageError(
      "DIGEST_MISMATCH",
      `${api.party.side} ${api.party.store}: ${answer.url.host} stored ${digest} as ${stored}`,
    );
  }

  #request(method: ApiRequest["method"], target: string | URL): ApiRequest {
    return { method, target, scopes: [repositoryScope(this.#work.api.repository, "push")] };
  }

  #reject(answer: HttpAnswer, call: Call): Promise<Error> {
    return this.#work.api.reject(answer, { what: this.#what }, call);
  }

  get #what(): string {
    return `${this.#work.api.party.store}: upload of ${this.#work.descriptor.digest}`;
  }
}

/** Cancels an upload session. Best effort, and short: the registry drops abandoned sessions itself some day. */
export async function cancelUpload(api: RegistryApi, location: URL): Promise<void> {
  try {
    const scopes = [repositoryScope(api.repository, "push")];
    const request = { method: "DELETE", target: location, scopes, atOnce: true } as const;
    await discard(await api.send(request, { signal: AbortSignal.timeout(cancelMs) }));
  } catch {
    // what failed before is what counts
  }
}
