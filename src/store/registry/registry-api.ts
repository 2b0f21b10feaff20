import type { Call } from "../../io/call.ts";
import { Retries, type RetryPolicy, retry } from "../../io/retry.ts";
import type { RetriedTransfer, TransferListener } from "../../io/transfer.ts";
import type { ErrorCode } from "../../model/errors.ts";
import {
  type AccessRequest,
  type Authenticator,
  type Authorization,
  unknownChallenge,
  wantsWiderScope,
} from "./auth/authenticator.ts";
import type { Endpoints } from "./hosts/endpoints.ts";
import { discard, type HttpAnswer, type HttpRequest, type Party, type StreamedBody } from "./http.ts";
import { exchangeFollowing } from "./redirect.ts";
import { rejection } from "./rejection.ts";
import type { Transport } from "./transport.ts";

/** A request to a registry's API. */
export interface ApiRequest {
  readonly method: HttpRequest["method"];
  /** Path and query below the registry's root, or a whole URL the registry gave. */
  readonly target: string | URL;
  readonly scopes: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** A streamed one is made again when the request has to be sent again with other credentials. */
  readonly body?: Buffer | StreamedBody;
  readonly headersTimeoutMs?: number;
  readonly closing?: boolean;
  readonly atOnce?: boolean;
  readonly queueing?: Call;
}

/** What a {@link RegistryApi} is made of. */
export interface RegistryApiParts {
  readonly registry: string;
  readonly repository: string;
  readonly party: Party;
  readonly transport: Transport;
  readonly endpoints: Endpoints;
  readonly authenticator: Authenticator;
  readonly retryPolicy: RetryPolicy;
}

/** How an unwanted answer is told. */
export interface Expectation {
  /** What was wanted, for the message: `manifest registry.example/app:1`. */
  readonly what: string;
  /** The code a 404 stands for. Default `REGISTRY_REJECTED`. */
  readonly notFound?: ErrorCode;
}

/** One repository's API: finds its host, authenticates, follows redirects of reads. */
export class RegistryApi {
  readonly registry: string;
  readonly repository: string;
  readonly party: Party;
  readonly transport: Transport;
  readonly #parts: RegistryApiParts;

  constructor(parts: RegistryApiParts) {
    this.registry = parts.registry;
    this.repository = parts.repository;
    this.party = parts.party;
    this.transport = parts.transport;
    this.#parts = parts;
  }

  get onTransfer(): TransferListener {
    return this.transport.onTransfer;
  }

  /**
   * Sends a request, at most twice more with other credentials when the registry asks for them.
   *
   * @returns the answer, whatever its status.
   * @throws Retryable; ComposeImageError when there is no answer or no token; the signal's reason when aborted.
   */
  async send(request: ApiRequest, call: Call): Promise<HttpAnswer> {
    const { authenticator, endpoints } = this.#parts;
    const endpoint = await endpoints.find(this.registry, this.party, call);
    const url = new URL(request.target, endpoint);
    const access: AccessRequest = {
      registry: this.registry,
      repository: this.repository,
      scopes: request.scopes,
      party: this.party,
    };
    const ours = url.origin === endpoint.origin;
    let authorization = ours ? await authenticator.prepare(endpoint, access, call) : undefined;
    for (let replays = 0; ; replays += 1) {
      const answer = await this.#sendOnce(request, url, authorization, call);
      const isChallenge = answer.status === 401 || wantsWiderScope(answer);
      if (!isChallenge || answer.url.origin !== endpoint.origin || replays === 2) return answer;
      let next: Authorization | undefined;
      try {
        next = await authenticator.challenged(answer, authorization, endpoint, access, call);
      } catch (error) {
        await discard(answer);
        throw error;
      }
      if (next === undefined) return answer;
      await discard(answer);
      authorization = next;
    }
  }

  async #sendOnce(
    request: ApiRequest,
    url: URL,
    authorization: Authorization | undefined,
    call: Call,
  ): Promise<HttpAnswer> {
    const { target: _, scopes: __, ...sent } = request;
    const { method } = sent;
    const http: HttpRequest = {
      ...sent,
      url,
      headers: {
        ...sent.headers,
        ...(authorization !== undefined && { authorization: authorization.header }),
      },
    };
    const follow = method === "GET" || method === "HEAD";
    return follow
      ? exchangeFollowing(this.transport, http, this.party, call)
      : this.transport.exchange(http, this.party, call);
  }

  /** The error an unwanted answer stands for; reads its body. */
  async reject(answer: HttpAnswer, expectation: Expectation, call: Call): Promise<Error> {
    const { status } = answer;
    if (status === 401) {
      const unknown = unknownChallenge(answer, this.party);
      if (unknown !== undefined) {
        await discard(answer);
        return unknown;
      }
    }
    const credentialHint =
      status === 401 || status === 403
        ? await this.#parts.authenticator.hint(answer, this.registry, this.repository, call)
        : undefined;
    return rejection(answer, { party: this.party, ...expectation, credentialHint });
  }

  /**
   * Retries of one piece of work on this repository, announced as transfer events.
   *
   * @param transfer the blob that is on its way, where it is one.
   */
  retries(what: string, transfer?: RetriedTransfer): Retries {
    return new Retries(this.#parts.retryPolicy, (notice) => {
      this.onTransfer({ kind: "retry", store: this.party.store, what, transfer, ...notice });
    });
  }

  /** Runs an attempt with {@link retries}. */
  retry<T>(what: string, attempt: () => Promise<T>, call: Call): Promise<T> {
    return retry(attempt, this.retries(what), call);
  }
}
