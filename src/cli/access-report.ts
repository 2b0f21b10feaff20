import type { ComposeImageError } from "../model/errors.ts";
import { formatReference, type Reference } from "../model/reference.ts";
import type { AuthEvent } from "../store/registry/auth/auth-event.ts";
import type { Challenge } from "../store/registry/auth/challenge.ts";
import type { Credential } from "../store/registry/auth/credential.ts";
import type { CredentialPlace, FoundCredential } from "../store/registry/auth/credential-search.ts";
import type { AccessExplanation, AccessTrial } from "../store/registry/explain-access.ts";
import { redactText } from "../store/registry/redact.ts";

/** What makes the access unusable; pushing counts only when it is wanted. */
export function accessFailure(
  { failure, pull, push, mount }: AccessExplanation,
  isPushWanted: boolean,
): ComposeImageError | undefined {
  return failure ?? pull?.failure ?? (isPushWanted ? (push?.failure ?? mount?.failure) : undefined);
}

/** The explanation as lines for people. */
export function describeAccess(reference: Reference, explanation: AccessExplanation): string {
  const { search, registry } = explanation;
  const rows: (readonly [name: string, lines: readonly string[]])[] = [
    ["image", [formatReference(reference)]],
    ["looked at", search.places.map(describePlace)],
    ["credentials", [describeCredential(search.found)]],
  ];
  if (registry !== undefined) {
    const { url, status, challenges } = registry;
    const asked = challenges.length === 0 ? ["asks for no credentials"] : challenges.map(describeChallenge);
    rows.push(["registry", [`${url.href} answers ${status}`, ...asked]]);
  }
  for (const name of ["pull", "push", "mount"] as const) {
    const trial = explanation[name];
    if (trial !== undefined) rows.push([name, describeTrial(trial)]);
  }
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows
    .flatMap(([name, lines]) => lines.map((line, i) => `${(i === 0 ? name : "").padEnd(width)}  ${line}\n`))
    .join("");
}

/** The same for programs. */
export function accessDocument(
  reference: Reference,
  { search, registry, pull, push, mount }: AccessExplanation,
  failure: ComposeImageError | undefined,
): unknown {
  const { credential, origin } = search.found;
  return {
    image: formatReference(reference),
    usable: failure === undefined,
    places: search.places,
    credentials:
      credential === undefined ? null : { from: origin, kind: credential.kind, user: userOf(credential) },
    registry: registry && {
      url: registry.url.href,
      status: registry.status,
      challenges: registry.challenges.map(challengeDocument),
    },
    pull: pull && trialDocument(pull),
    push: push && trialDocument(push),
    mount: mount && trialDocument(mount),
    failure: failure && { code: failure.code, message: failure.message, hint: failure.hint },
  };
}

function describePlace({ name, chosenBy, state, key, helper }: CredentialPlace): string {
  const matched = state === "match" && key !== undefined ? `match: ${key}` : state;
  const asked = helper === undefined ? "" : `; ${helper.program}: ${helper.answer}`;
  return `${name} (${chosenBy}): ${matched}${asked}`;
}

function describeCredential({ credential, origin }: FoundCredential): string {
  if (credential === undefined) return "none: asked anonymously";
  const kind = { password: "a password", identity: "a refresh token", bearer: "a registry token" };
  const user = userOf(credential);
  return `${kind[credential.kind]}${user === undefined ? "" : ` of user ${user}`}, from ${origin}`;
}

function userOf(credential: Credential): string | undefined {
  return credential.kind === "bearer" || credential.username === "" ? undefined : credential.username;
}

function describeChallenge(challenge: Challenge): string {
  const { scheme, parameters } = challengeDocument(challenge);
  const words = Object.entries(parameters).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `asks for ${[scheme, ...words].join(" ")}`;
}

function challengeDocument({ scheme, parameters }: Challenge) {
  const shown = [...parameters].map(([name, value]) => [name, redactText(value)] as const);
  return { scheme, parameters: Object.fromEntries(shown) };
}

function describeTrial({ scopes, events, outcome, remark }: AccessTrial): string[] {
  return [`${outcome}: ${remark}`, `takes ${scopes.join(" ")}`, ...events.map(describeEvent)];
}

function describeEvent(event: AuthEvent): string {
  switch (event.kind) {
    case "challenged":
      return `the registry answered ${event.status}${event.challenges.map((challenge) => `, ${describeChallenge(challenge)}`).join("")}`;
    case "token-asked":
      return `asked ${event.realm} for ${event.scopes.join(" ") || "no scope"}, showing ${event.showing}`;
    case "token-given":
      return event.granted === undefined
        ? "got a token that only the registry can read"
        : `got a token for ${event.granted.join(" ") || "nothing"}`;
    case "sent":
      return `showed ${event.what} to the registry`;
  }
}

function trialDocument({ scopes, events, outcome, remark, failure }: AccessTrial): unknown {
  return {
    outcome,
    remark,
    scopes,
    events: events.map((event) =>
      event.kind === "challenged" ? { ...event, challenges: event.challenges.map(challengeDocument) } : event,
    ),
    failure: failure && { code: failure.code, message: failure.message, hint: failure.hint },
  };
}
