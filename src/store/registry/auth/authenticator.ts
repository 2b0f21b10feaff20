import type { Call } from "../../../io/call.ts";
import { ComposeImageError } from "../../../model/errors.ts";
import { type HttpAnswer, headersOf, type Party } from "../http.ts";
import { redactUrl } from "../redact.ts";
import type { Transport } from "../transport.ts";
import type { AuthListener } from "./auth-event.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import { basicAuthorization } from "./credential.ts";
import type { FoundCredential } from "./credential-search.ts";
import type { CredentialFinder } from "./credentials.ts";
import { checkRealm } from "./realm.ts";
import { mergeScopes } from "./scope.ts";
import { fetchToken, type Token } from "./token.ts";
import { TokenCache } from "./token-cache.ts";
import { grantedScopes } from "./token-grant.ts";

/** Whom a request is for, and what it wants to do. */
export interface AccessRequest {
  /** As the user names it: `docker.io`. */
  readonly registry: string;
  readonly repository: string;
  readonly scopes: readonly string[];
  readonly party: Party;
}

/** What to send as `Authorization`. */
export interface Authorization {
  readonly header: string;
  readonly scopes: readonly string[];
  /** Until when a refusal is final, on the clock of `performance.now()`: a token just fetched cannot have expired. */
  readonly freshUntil: number;
}

/** How long a token counts as just fetched, in milliseconds: what the spec has it hold at the least. */
const freshMs = 60_000;

/** Answers registries' challenges with credentials and tokens. */
export class Authenticator {
  readonly #transport: Transport;
  readonly #credentials: CredentialFinder;
  readonly #onAuth: AuthListener;
  readonly #tokens = new TokenCache();
  /** What each registry's last challenge was, by origin. */
  readonly #challenges = new Map<string, Challenge>();

  constructor(transport: Transport, credentials: CredentialFinder, onAuth: AuthListener = () => {}) {
    this.#transport = transport;
    this.#credentials = credentials;
    this.#onAuth = onAuth;
  }

  /** What to send at once, as far as an earlier challenge told; `undefined` to try without. */
  async prepare(endpoint: URL, access: AccessRequest, call: Call): Promise<Authorization | undefined> {
    const challenge = this.#challenges.get(endpoint.origin);
    return challenge && this.#answer(challenge, [], endpoint, access, undefined, call);
  }

  /**
   * What to send after a challenge; `undefined` when there is nothing else to try.
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
    this.#onAuth({ kind: "challenged", status: answer.status, challenges });
    const challenge =
      challenges.find(({ scheme }) => scheme === "bearer") ??
      challenges.find(({ scheme }) => scheme === "basic");
    if (challenge === undefined) return undefined;
    const next = await this.#answer(challenge, scopesOf(challenge), endpoint, access, refused, call);
    if (next === undefined || next.header === refused?.header) return undefined;
    this.#challenges.set(endpoint.origin, challenge);
    return next;
  }

  /** What to do about an answer that did not let in: where the credentials are from, or what is wrong with the token. */
  async hint(answer: HttpAnswer, registry: string, repository: string, call: Call): Promise<string> {
    const hint = hintFor(registry, await this.#credentials.find(registry, repository, call));
    const challenges = parseChallenges(headersOf(answer, "www-authenticate"));
    if (challenges.every(({ parameters }) => parameters.get("error") !== "invalid_token")) return hint;
    return `The registry does not take the token; if its token server has just given it, compare the clocks of the two. ${hint}`;
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
      this.#onAuth({ kind: "sent", what: "a registry token" });
      return {
        header: `Bearer ${credential.token}`,
        scopes: access.scopes,
        freshUntil: Number.POSITIVE_INFINITY,
      };
    }
    if (challenge.scheme === "basic") {
      if (credential === undefined) return undefined;
      const secret = credential.kind === "password" ? credential.password : credential.token;
      this.#onAuth({
        kind: "sent",
        what: credential.kind === "password" ? "a password" : "a refresh token",
      });
      return {
        header: basicAuthorization(credential.username, secret),
        scopes: access.scopes,
        freshUntil: Number.POSITIVE_INFINITY,
      };
    }
    const realm = checkRealm(challenge.parameters.get("realm"), endpoint, party);
    const scopes = mergeScopes([...access.scopes, ...asked]);
    const isFinal = refused !== undefined && refused.freshUntil > performance.now();
    if (isFinal && scopes.join(" ") === refused.scopes.join(" ")) return undefined;
    const service = challenge.parameters.get("service");
    const holder = JSON.stringify([realm.href, service ?? null, found.origin ?? null]);
    if (refused !== undefined) this.#tokens.drop(holder, refused.header.replace(/^Bearer /, ""));
    const kept = this.#tokens.find(holder, scopes);
    if (kept !== undefined) return { header: `Bearer ${kept}`, scopes, freshUntil: 0 };
    const request = { realm, service, scopes, credential, party, credentialHint: hintFor(registry, found) };
    const get = async (shared: Call): Promise<Token> => {
      const showing =
        credential === undefined
          ? "nothing"
          : credential.kind === "password"
            ? "a password"
            : "a refresh token";
      this.#onAuth({ kind: "token-asked", realm: redactUrl(realm), service, scopes, showing });
      const token = await fetchToken(this.#transport, request, shared);
      this.#onAuth({ kind: "token-given", scopes, granted: grantedScopes(token.value) });
      return token;
    };
    const token = await this.#tokens.fetch(holder, scopes, get, call);
    return { header: `Bearer ${token}`, scopes, freshUntil: performance.now() + freshMs };
  }
}

function scopesOf(challenge: Challenge): string[] {
  const scope = challenge.parameters.get("scope") ?? "";
  return scope === "" ? [] : [scope];
}

function hintFor(registry: string, found: FoundCredential): string {
  if (found.hint !== undefined) return found.hint;
  const login = `compose-image login ${found.origin === undefined ? registry : (found.key ?? registry)}`;
  if (found.origin !== undefined) {
    return `The credentials are from ${found.origin}: check that they allow this, log in again with ${login}, or log out where the image is public.`;
  }
  const places =
    found.consulted.length === 0
      ? "no credentials file was found"
      : `nothing in ${found.consulted.join(", ")}`;
  return `There are no credentials for ${registry} (${places}): log in with ${login}, docker login or podman login.`;
}

/**
 * Whether a 403 says that the token does not reach far enough, and which scope would do.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-3.1
 */
export function wantsWiderScope(answer: HttpAnswer): boolean {
  return (
    answer.status === 403 &&
    parseChallenges(headersOf(answer, "www-authenticate")).some(
      ({ scheme, parameters }) =>
        scheme === "bearer" && parameters.get("error") === "insufficient_scope" && parameters.has("scope"),
    )
  );
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
