import type { Call } from "../../../io/call.ts";
import { ComposeImageError } from "../../../model/errors.ts";
import { type HttpAnswer, headersOf, type Party } from "../http.ts";
import type { Transport } from "../transport.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import { basicAuthorization } from "./credential.ts";
import type { Credentials, FoundCredential } from "./credentials.ts";
import { checkRealm } from "./realm.ts";
import { mergeScopes } from "./scope.ts";
import { fetchToken } from "./token.ts";
import { TokenCache } from "./token-cache.ts";

/** Whom a request is for, and what it wants to do. */
export interface AccessRequest {
  /** As the user names it: `docker.io`. */
  readonly registry: string;
  readonly repository: string;
  readonly scopes: readonly string[];
  readonly party: Party;
}

/** What to send as `Authorization`, and whether it was just fetched: then a refusal is final. */
export interface Authorization {
  readonly header: string;
  readonly scopes: readonly string[];
  readonly fresh: boolean;
}

/** Answers registries' challenges with credentials and tokens. */
export class Authenticator {
  readonly #transport: Transport;
  readonly #credentials: Credentials;
  readonly #tokens = new TokenCache();
  /** What each registry's last challenge was, by origin. */
  readonly #challenges = new Map<string, Challenge>();

  constructor(transport: Transport, credentials: Credentials) {
    this.#transport = transport;
    this.#credentials = credentials;
  }

  /** What to send at once, as far as an earlier challenge told; `undefined` to try without. */
  async prepare(endpoint: URL, access: AccessRequest, call: Call): Promise<Authorization | undefined> {
    const challenge = this.#challenges.get(endpoint.origin);
    return challenge && this.#answer(challenge, [], endpoint, access, undefined, call);
  }

  /**
   * What to send after a 401; `undefined` when there is nothing else to try.
   *
   * @param refused what was sent.
   * @throws ComposeImageError `UNAUTHORIZED`, `DENIED` and the transport's, when no token is to be had.
   */
  async challenged(
    answer: HttpAnswer,
    refused: Authorization | undefined,
    endpoint: URL,
    access: AccessRequest,
    call: Call,
  ): Promise<Authorization | undefined> {
    const challenges = parseChallenges(headersOf(answer, "www-authenticate"));
    const challenge =
      challenges.find(({ scheme }) => scheme === "bearer") ??
      challenges.find(({ scheme }) => scheme === "basic");
    if (challenge === undefined) return undefined;
    const next = await this.#answer(challenge, scopesOf(challenge), endpoint, access, refused, call);
    if (next === undefined || next.header === refused?.header) return undefined;
    this.#challenges.set(endpoint.origin, challenge);
    return next;
  }

  /** Where credentials for a repository are from and what to do when they do not suffice. */
  async hint(registry: string, repository: string, call: Call): Promise<string> {
    return hintFor(registry, await this.#credentials.find(registry, repository, call));
  }

  /** @param asked scopes that the registry has just named, beyond those of the request. */
  async #answer(
    challenge: Challenge,
    asked: readonly string[],
    endpoint: URL,
    access: AccessRequest,
    refused: Authorization | undefined,
    call: Call,
  ): Promise<Authorization | undefined> {
    const { registry, repository, party } = access;
    const found = await this.#credentials.find(registry, repository, call);
    const { credential } = found;
    if (credential?.kind === "bearer") {
      return { header: `Bearer ${credential.token}`, scopes: access.scopes, fresh: true };
    }
    if (challenge.scheme === "basic") {
      if (credential === undefined) return undefined;
      const secret = credential.kind === "password" ? credential.password : credential.token;
      return { header: basicAuthorization(credential.username, secret), scopes: access.scopes, fresh: true };
    }
    const realm = checkRealm(challenge.parameters.get("realm"), endpoint, party);
    const scopes = mergeScopes([...access.scopes, ...asked]);
    if (refused?.fresh && scopes.join(" ") === refused.scopes.join(" ")) return undefined;
    const service = challenge.parameters.get("service");
    const holder = JSON.stringify([realm.href, service ?? null, found.origin ?? null]);
    if (refused !== undefined) this.#tokens.drop(holder, refused.header.replace(/^Bearer /, ""));
    const kept = this.#tokens.find(holder, scopes);
    if (kept !== undefined) return { header: `Bearer ${kept}`, scopes, fresh: false };
    const request = { realm, service, scopes, credential, party, credentialHint: hintFor(registry, found) };
    const token = await this.#tokens.fetch(
      holder,
      scopes,
      (shared) => fetchToken(this.#transport, request, shared),
      call,
    );
    return { header: `Bearer ${token}`, scopes, fresh: true };
  }
}

function scopesOf(challenge: Challenge): string[] {
  const scope = challenge.parameters.get("scope") ?? "";
  return scope === "" ? [] : [scope];
}

function hintFor(registry: string, found: FoundCredential): string {
  const login = `podman login ${registry} or docker login ${registry}`;
  if (found.origin !== undefined) {
    return `The credentials are from ${found.origin}: check that they allow this, or log in again with ${login}.`;
  }
  const places =
    found.consulted.length === 0
      ? "no credentials file was found"
      : `nothing in ${found.consulted.join(", ")}`;
  return `There are no credentials for ${registry} (${places}): log in with ${login}.`;
}

/** The error for a registry that wants credentials in a way nobody here knows. */
export function unknownChallenge(answer: HttpAnswer, party: Party): ComposeImageError | undefined {
  const challenges = parseChallenges(headersOf(answer, "www-authenticate"));
  if (challenges.length === 0 || challenges.some(({ scheme }) => scheme === "bearer" || scheme === "basic")) {
    return undefined;
  }
  return new ComposeImageError(
    "UNAUTHORIZED",
    `${party.side} ${party.store}: ${answer.url.host} wants ${challenges.map(({ scheme }) => scheme).join(" or ")} authentication`,
    { hint: "Only bearer tokens and Basic authentication are supported." },
  );
}
