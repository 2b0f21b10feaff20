import type { Call } from "../../io/call.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { mayLeadTo, reachOf } from "./hosts/address.ts";
import { discard, type HttpAnswer, type HttpRequest, headerOf, type Party } from "./http.ts";
import { redactUrl } from "./redact.ts";
import type { Transport } from "./transport.ts";

const maxRedirects = 10;

/** Headers that must not reach anybody but the origin they were meant for. */
const confidential = ["authorization", "cookie", "proxy-authorization"];

/**
 * Sends a GET or HEAD and follows redirects. Credentials are dropped at the first step to another host, port or scheme,
 * and stay dropped. Private addresses are followed, as storage inside a network has them.
 *
 * @param mayFollow judges where a redirect leads; default {@link mayLeadTo}.
 * @throws ComposeImageError `NETWORK` for too many redirects, or one that leads nowhere, from https to http, or where it
 *   may not.
 */
export async function exchangeFollowing(
  transport: Transport,
  request: HttpRequest,
  party: Party,
  call: Call,
  mayFollow: (asked: URL, next: URL) => boolean = mayLeadTo,
): Promise<HttpAnswer> {
  let { url, headers } = request;
  for (let step = 0; step <= maxRedirects; step += 1) {
    const answer = await transport.exchange({ ...request, url, headers }, party, call);
    if (![301, 302, 303, 307, 308].includes(answer.status)) return { ...answer, redirected: step > 0 };
    await discard(answer);
    const next = redirectTarget(url, headerOf(answer, "location"), party, mayFollow);
    if (next.origin !== url.origin) headers = withoutConfidential(headers);
    url = next;
  }
  throw new ComposeImageError(
    "NETWORK",
    `${party.side} ${party.store}: ${request.url.host} redirected more than ${maxRedirects} times`,
  );
}

function redirectTarget(
  from: URL,
  location: string | undefined,
  party: Party,
  mayFollow: (asked: URL, next: URL) => boolean,
): URL {
  const refused = (what: string, hint?: string): ComposeImageError =>
    new ComposeImageError("NETWORK", `${party.side} ${party.store}: ${from.host} redirected ${what}`, {
      hint,
    });
  if (location === undefined) throw refused("without saying where to");
  const target = URL.parse(location, from.href);
  if (target === null || !/^https?:$/.test(target.protocol)) throw refused("to something that is not a URL");
  if (from.protocol === "https:" && target.protocol === "http:") {
    throw refused(
      `from TLS to plain HTTP (${redactUrl(target)})`,
      "The registry, or the proxy before it, must name itself with https.",
    );
  }
  if (!mayFollow(from, target)) {
    throw refused(
      `to the ${reachOf(target.hostname)} address ${target.host}, which is not asked`,
      "Hosts elsewhere have no business naming such an address.",
    );
  }
  return target;
}

function withoutConfidential(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !confidential.includes(name)));
}
