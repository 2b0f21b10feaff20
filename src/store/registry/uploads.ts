import type { Call } from "../../io/call.ts";
import type { OpenContent } from "../../io/content.ts";
import { outlasting } from "../../io/outlasting.ts";
import { Retryable } from "../../io/retry.ts";
import { StallTimer } from "../../io/stall-timer.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import { type Digest, digestAlgorithm, isDigest } from "../../model/digest.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { repositoryScope } from "./auth/scope.ts";
import { discard, type HttpAnswer, headerOf, isPage } from "./http.ts";
import type { RegistryApi } from "./registry-api.ts";
import { pageError } from "./rejection.ts";
import { UploadBody } from "./upload-body.ts";
import { resolveUploadLocation, withDigest } from "./upload-location.ts";

/** Registries hash and move a blob between its last byte and their answer; this many usual timeouts are granted. */
const commitPatience = 10;

/** Longest time that learning of an upload session, and cancelling it, may take after an abort, in milliseconds. */
export const cancelMs = 2_000;

/** Uploads of blobs to one repository. */
export class Uploads {
  readonly #api: RegistryApi;
  /** Sessions that a mount began in place of mounting, by the digest they are for. */
  readonly #begun = new Map<Digest, URL>();

  constructor(api: RegistryApi) {
    this.#api = api;
  }

  /** Keeps an upload session that was begun elsewhere for the push of this digest. */
  keep(digest: Digest, session: URL): void {
    this.#begun.set(digest, session);
  }

  /**
   * Sends a blob in one request (POST, then PUT). Every retry begins a new session and opens the content again; a
   * session that comes to nothing is cancelled.
   */
  async push(descriptor: Descriptor, open: OpenContent, call: Call): Promise<void> {
    const about = { direction: "upload", store: this.#api.party.store, descriptor } as const;
    this.#api.onTransfer({ kind: "started", ...about });
    let finished = false;
    try {
      await this.#api.retry(this.#what(descriptor), () => this.#attempt(descriptor, open, call), call);
      finished = true;
    } finally {
      this.#api.onTransfer({ kind: finished ? "finished" : "failed", ...about });
    }
  }

  /** Cancels the sessions nobody used. */
  async cancelAll(): Promise<void> {
    const sessions = [...this.#begun.values()];
    this.#begun.clear();
    await Promise.all(sessions.map((session) => this.#cancel(session)));
  }

  async #attempt(descriptor: Descriptor, open: OpenContent, call: Call): Promise<void> {
    const session = this.#begun.get(descriptor.digest) ?? (await this.#begin(descriptor, call));
    this.#begun.delete(descriptor.digest);
    try {
      call.signal.throwIfAborted();
      await this.#complete(session, descriptor, open, call);
    } catch (error) {
      await this.#cancel(session);
      throw error;
    }
  }

  /** Waits for the answer even when aborted, for a while: a session whose place nobody knows cannot be cancelled. */
  async #begin(descriptor: Descriptor, call: Call): Promise<URL> {
    const request = {
      method: "POST",
      target: `/v2/${this.#api.repository}/blobs/uploads/`,
      scopes: this.#scopes(),
    } as const;
    const answer = await outlasting(call, cancelMs, (inner) => this.#api.send(request, inner));
    if (answer.status !== 202) throw await this.#api.reject(answer, { what: this.#what(descriptor) }, call);
    await discard(answer);
    return resolveUploadLocation(headerOf(answer, "location"), answer.url, this.#api.party);
  }

  async #complete(session: URL, descriptor: Descriptor, open: OpenContent, call: Call): Promise<void> {
    const stall = new StallTimer(call);
    const { timeoutMs } = this.#api.transport;
    const { onTransfer, party } = this.#api;
    const commitMs = timeoutMs * commitPatience;
    const body = new UploadBody({ descriptor, open, party, onTransfer, stall, timeoutMs, commitMs });
    let answer: HttpAnswer;
    try {
      answer = await this.#api.send(
        {
          method: "PUT",
          target: withDigest(session, descriptor.digest),
          scopes: this.#scopes(),
          headers: { "content-type": "application/octet-stream", "content-length": String(descriptor.size) },
          body: () => body.open(call),
          headersTimeoutMs: 0,
        },
        { signal: stall.signal },
      );
    } catch (error) {
      call.signal.throwIfAborted();
      if (body.sourceError !== undefined) throw body.sourceError;
      throw stall.expired ? this.#stalled(session) : error;
    } finally {
      stall.end();
    }
    const { status } = answer;
    if (status !== 200 && status !== 201 && status !== 204) {
      const error = await this.#api.reject(answer, { what: this.#what(descriptor) }, call);
      const lost = status === 404 || status === 416;
      throw lost ? new Retryable(error, "the upload session is lost", { limit: 2 }) : error;
    }
    await discard(answer);
    if (isPage(answer)) throw pageError(answer, this.#what(descriptor), this.#api.party);
    this.#check(answer, descriptor);
  }

  #check(answer: HttpAnswer, { digest }: Descriptor): void {
    const stored = headerOf(answer, "docker-content-digest");
    if (!isDigest(stored) || digestAlgorithm(stored) !== digestAlgorithm(digest) || stored === digest) return;
    throw new ComposeImageError(
      "DIGEST_MISMATCH",
      `${this.#api.party.side} ${this.#api.party.store}: ${answer.url.host} stored ${digest} as ${stored}`,
    );
  }

  /** Best effort, and short: the registry drops abandoned sessions itself some day. */
  async #cancel(session: URL): Promise<void> {
    try {
      const request = { method: "DELETE", target: session, scopes: this.#scopes() } as const;
      await discard(await this.#api.send(request, { signal: AbortSignal.timeout(cancelMs) }));
    } catch {
      // what failed before is what counts
    }
  }

  #stalled(session: URL): Retryable {
    const { side, store } = this.#api.party;
    const seconds = this.#api.transport.timeoutMs / 1000;
    const error = new ComposeImageError(
      "NETWORK",
      `${side} ${store}: ${session.host}: the upload made no progress for ${seconds} s`,
      { hint: "Try again, or allow more time with --timeout." },
    );
    return new Retryable(error, `no progress for ${seconds} s`, { limit: 1 });
  }

  #scopes(): string[] {
    return [repositoryScope(this.#api.repository, "push")];
  }

  #what(descriptor: Descriptor): string {
    return `${this.#api.party.store}: upload of ${descriptor.digest}`;
  }
}
