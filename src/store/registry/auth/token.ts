import type { Call } from "../../../io/call.ts";
import { collect } from "../../../io/collect.ts";
import { ComposeImageError } from "../../../model/errors.ts";
import { isJsonObject } from "../../../model/json.ts";
import { discard, type HttpAnswer, type Party } from "../http.ts";
import { networkFault } from "../network-fault.ts";
import { exchangeFollowing } from "../redirect.ts";
import { rejection } from "../rejection.ts";
import type { Transport } from "../transport.ts";
import { basicAuthorization, type Credential, identityUser, isHeaderWord } from "./credential.ts";

/** What a token is asked for with. */
export interface TokenRequest {
  readonly realm: URL;
  readonly service: string | undefined;
  readonly scopes: readonly string[];
  /** Without one the request is anonymous. */
  readonly credential: Credential | undefined;
  readonly party: Party;
  /** For refusals: where the credentials are from and what to do. */
  readonly credentialHint: string;
}

/** A token and how long it holds, in seconds from now. */
export interface Token {
  readonly value: string;
  readonly seconds: number;
}

/** How long tokens hold at the least, in seconds, by the spec. */
const minSeconds = 60;
const maxTokenReply = 1024 * 1024;

/**
 * Gets a bearer token: by GET, with Basic authentication where there is a password; by an OAuth2 POST where there is a
 * refresh token, and by GET where the server knows no POST.
 *
 * @throws Retryable; ComposeImageError `UNAUTHORIZED`, `DENIED`, `REGISTRY_REJECTED` and the transport's.
 * @see https://distribution.github.io/distribution/spec/auth/token/
 * @see https://distribution.github.io/distribution/spec/auth/oauth/
 */
export async function fetchToken(transport: Transport, request: TokenRequest, call: Call): Promise<Token> {
  const { credential, party, realm, credentialHint } = request;
  let answer: HttpAnswer | undefined;
  if (credential?.kind === "identity") {
    answer = await postForToken(transport, request, credential.token, call);
    if ([400, 401, 404, 405].includes(answer.status)) {
      await discard(answer);
      answer = undefined;
    }
  }
  answer ??= await getToken(transport, request, call);
  if (answer.status !== 200) {
    throw await rejection(answer, { party, what: `token for ${party.store}`, credentialHint });
  }
  try {
    return parseTokenReply(
      await collect(answer.body, maxTokenReply, `the token server ${realm.host}'s answer`),
      request,
    );
  } catch (error) {
    call.signal.throwIfAborted();
    throw networkFault(error, realm.host, party, transport.timeoutMs);
  }
}

function postForToken(
  transport: Transport,
  request: TokenRequest,
  refreshToken: string,
  call: Call,
): Promise<HttpAnswer> {
  const form = new URLSearchParams({
    grant_type: "refresh_token",
    client_id: "compose-image",
    refresh_token: refreshToken,
  });
  if (request.service !== undefined) form.set("service", request.service);
  if (request.scopes.length > 0) form.set("scope", request.scopes.join(" "));
  return transport.exchange(
    {
      method: "POST",
      url: request.realm,
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: form.toString(),
      atOnce: true,
    },
    request.party,
    call,
  );
}

function getToken(transport: Transport, request: TokenRequest, call: Call): Promise<HttpAnswer> {
  const { credential, realm, service, scopes, party } = request;
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  const headers: Record<string, string> = {};
  if (credential?.kind === "password") {
    headers.authorization = basicAuthorization(credential.username, credential.password);
  } else if (credential?.kind === "identity") {
    headers.authorization = basicAuthorization(credential.username || identityUser, credential.token);
  }
  return exchangeFollowing(transport, { method: "GET", url, headers, atOnce: true }, party, call);
}

/** Reads the JSON of a token server's answer. */
function parseTokenReply(bytes: Uint8Array, { realm, party }: TokenRequest): Token {
  const useless = (what: string): ComposeImageError =>
    new ComposeImageError(
      "UNAUTHORIZED",
      `${party.side} ${party.store}: the token server ${realm.host} ${what}`,
      { hint: "The registry names a token server that is none, or a proxy answers in its place." },
    );
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    throw useless("did not answer with JSON");
  }
  if (!isJsonObject(json)) throw useless("did not answer with a JSON object");
  const value = [json.token, json.access_token].find((field) => typeof field === "string" && field !== "");
  if (typeof value !== "string") throw useless("answered without a token");
  if (!isHeaderWord(value)) throw useless("answered with a token that no header can hold");
  const seconds =
    typeof json.expires_in === "number" && json.expires_in > minSeconds ? json.expires_in : minSeconds;
  return { value, seconds };
}
