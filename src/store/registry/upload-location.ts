import type { Digest } from "../../model/digest.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { mayLeadTo, reachOf } from "./hosts/address.ts";
import type { Party } from "./http.ts";
import { redactUrl } from "./redact.ts";

/**
 * Where an upload goes on, from a `Location` that may be relative, without scheme or absolute.
 *
 * @param asked the URL of the request it answers.
 * @throws ComposeImageError `REGISTRY_REJECTED` when it is missing, no URL, plain HTTP behind TLS, or an
 *   address that is none of the registry's business.
 */
export function resolveUploadLocation(location: string | undefined, asked: URL, party: Party): URL {
  const refused = (what: string, hint?: string): ComposeImageError =>
    new ComposeImageError("REGISTRY_REJECTED", `${party.side} ${party.store}: ${asked.host} ${what}`, {
      hint,
    });
  if (location === undefined || location.trim() === "") throw refused("began an upload without saying where");
  const text = location.trim();
  const withScheme = text.startsWith(`${asked.host}/`) ? `${asked.protocol}//${text}` : text;
  const url = URL.parse(withScheme, asked.href);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw refused("began an upload at something that is not a URL");
  if (asked.protocol === "https:" && url.protocol === "http:") {
    throw refused(
      `sends an upload from TLS to plain HTTP (${redactUrl(url)})`,
      "The registry does not know that TLS ends before it: its proxy must set X-Forwarded-Proto, or the registry relative URLs.",
    );
  }
  if (!mayLeadTo(asked, url)) {
    throw refused(
      `sends an upload to the ${reachOf(url.hostname)} address ${url.host}, which is not asked`,
      "Hosts elsewhere have no business naming such an address.",
    );
  }
  return url;
}

/** The upload's URL with the digest that completes it; the rest of the query stays as it is, byte for byte. */
export function withDigest(location: URL, digest: Digest): URL {
  const url = new URL(location);
  url.search = `${url.search === "" ? "?" : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
  return url;
}
