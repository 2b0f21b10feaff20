import type { Call } from "../../io/call.ts";
import { Retryable } from "../../io/retry.ts";
import { ComposeImageError } from "../../model/errors.ts";
import type { Reference } from "../../model/reference.ts";
import type { AuthEvent } from "./auth/auth-event.ts";
import { Authenticator } from "./auth/authenticator.ts";
import { type Challenge, parseChallenges } from "./auth/challenge.ts";
import type { CredentialSearch } from "./auth/credential-search.ts";
import type { Credentials } from "./auth/credentials.ts";
import { coversScopes, mergeScopes, repositoryScope } from "./auth/scope.ts";
import type { Endpoints } from "./hosts/endpoints.ts";
import { discard, type HttpAnswer, headersOf, type Party } from "./http.ts";
import { Manifests } from "./manifests.ts";
import { RegistryApi } from "./registry-api.ts";
import type { Transport } from "./transport.ts";

/** What to find out about. */
export interface AccessQuestion {
  readonly reference: Reference;
  /** Another repository of the registry, to mount blobs from. */
  readonly mountFrom?: string | undefined;
}

/** What a registry or its token server said to one kind of access. */
export interface AccessTrial {
  /** What is asked for. */
  readonly scopes: readonly string[];
  readonly events: readonly AuthEvent[];
  /** `unknown` where only doing it would tell. */
  readonly outcome: "allowed" | "refused" | "unknown";
  /** One sentence more about the outcome. */
  readonly remark: string;
  readonly failure?: ComposeImageError | undefined;
}

/** How a registry lets in, or does not. Holds no secret. */
export interface AccessExplanation {
  readonly search: CredentialSearch;
  /** How the registry answers who shows nothing; absent when it was not reached. */
  readonly registry?:
    | { readonly url: URL; readonly status: number; readonly challenges: readonly Challenge[] }
    | undefined;
  readonly pull?: AccessTrial | undefined;
  readonly push?: AccessTrial | undefined;
  readonly mount?: AccessTrial | undefined;
  /** What went wrong before anything could be tried. */
  readonly failure?: ComposeImageError | undefined;
}

/** What {@link explainAccess} works with. */
export interface AccessParts {
  readonly transport: Transport;
  readonly endpoints: Endpoints;
  readonly credentials: Credentials;
  readonly retries: number;
}

/**
 * Finds out how a registry lets in to an image: reads its manifest's head, and gets the tokens that pushing and
 * mounting would need. Nothing is written or begun at the registry.
 *
 * @throws the signal's reason when aborted; all else that fails is part of the explanation.
 */
export async function explainAccess(
  parts: AccessParts,
  { reference, mountFrom }: AccessQuestion,
  call: Call,
): Promise<AccessExplanation> {
  const { registry, repository, tag = "latest", digest } = reference;
  const party: Party = { side: "image", registry, store: `${registry}/${repository}` };
  const search = await parts.credentials.search(registry, repository, call);
  let events: AuthEvent[] = [];
  const authenticator = new Authenticator(parts.transport, parts.credentials, (event) => events.push(event));
  const retryPolicy = { retries: parts.retries };
  const api = new RegistryApi({ ...parts, registry, repository, party, authenticator, retryPolicy });

  let endpoint: URL;
  let probe: HttpAnswer;
  try {
    [endpoint, probe] = await api.retry(
      `${registry}: first answer`,
      () => ask(parts, registry, party, call),
      call,
    );
  } catch (error) {
    return { search, failure: failureOf(error, call) };
  }
  const challenges = parseChallenges(headersOf(probe, "www-authenticate"));
  const answered = { search, registry: { url: endpoint, status: probe.status, challenges } };
  if (search.failure !== undefined) return { ...answered, failure: search.failure };

  const pullScope = repositoryScope(repository, "pull");
  const pull = await tryAccess([pullScope], async () => {
    const selector = digest === undefined ? { tag } : { digest };
    const found = await new Manifests(api).resolve(selector, call);
    return { outcome: "allowed", remark: `the manifest is ${found.digest}` };
  });

  const tokenFor = (wanted: readonly string[]) =>
    tryAccess(wanted, async (scopes) => {
      const access = { registry, repository, scopes, party };
      const authorization =
        (await authenticator.prepare(endpoint, access, call)) ??
        (probe.status === 401
          ? await authenticator.challenged(probe, undefined, endpoint, access, call)
          : undefined);
      if (authorization === undefined) {
        return {
          outcome: "unknown",
          remark: "the registry has not asked for credentials so far, or there are none to show",
        };
      }
      const given = events.findLast((event) => event.kind === "token-given");
      if (given === undefined)
        return { outcome: "unknown", remark: "only doing it tells whether they suffice" };
      if (given.granted === undefined)
        return { outcome: "unknown", remark: "the token does not say what for" };
      if (coversScopes(given.granted, scopes)) return { outcome: "allowed", remark: "the token says so" };
      const granted = given.granted.length === 0 ? "nothing" : given.granted.join(" ");
      const hint = await authenticator.hint(probe, registry, repository, call);
      return {
        outcome: "refused",
        remark: `the token is good for ${granted}`,
        failure: new ComposeImageError(
          "DENIED",
          `${party.side} ${party.store}: asked for ${scopes.join(" ")}, the token server granted ${granted}`,
          { hint },
        ),
      };
    });
  const pushScope = repositoryScope(repository, "push");
  const push = await tokenFor([pushScope]);
  const mount =
    mountFrom === undefined
      ? undefined
      : await tokenFor(mergeScopes([pushScope, repositoryScope(mountFrom, "pull")]));
  return { ...answered, pull, push, mount };

  async function tryAccess(
    scopes: readonly string[],
    attempt: (scopes: readonly string[]) => Promise<Pick<AccessTrial, "outcome" | "remark" | "failure">>,
  ): Promise<AccessTrial> {
    const own: AuthEvent[] = [];
    events = own;
    try {
      return { scopes, events: own, ...(await attempt(scopes)) };
    } catch (error) {
      const failure = failureOf(error, call);
      if (failure.code === "MANIFEST_NOT_FOUND") {
        const remark = "there is no such manifest, or the registry does not say so to everybody";
        return { scopes, events: own, outcome: "allowed", remark };
      }
      return { scopes, events: own, outcome: "refused", remark: failure.message, failure };
    }
  }
}

async function ask(
  { endpoints, transport }: AccessParts,
  registry: string,
  party: Party,
  call: Call,
): Promise<[URL, HttpAnswer]> {
  const endpoint = await endpoints.find(registry, party, call);
  const request = { method: "GET", url: new URL("/v2/", endpoint), headers: {} } as const;
  const answer = await transport.exchange(request, party, call);
  await discard(answer);
  return [endpoint, answer];
}

function failureOf(error: unknown, call: Call): ComposeImageError {
  call.signal.throwIfAborted();
  const inner = error instanceof Retryable ? error.error : error;
  if (inner instanceof ComposeImageError) return inner;
  throw inner;
}
