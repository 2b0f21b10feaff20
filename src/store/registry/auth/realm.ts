import { ComposeImageError } from "../../../model/errors.ts";
import { reachOf } from "../hosts/address.ts";
import type { Party } from "../http.ts";
import { redactText, redactUrl } from "../redact.ts";

/**
 * The URL of a token server, if the registry may send us there. Plain HTTP is for realms on the registry's own host
 * (or both on loopback), when the registry itself is spoken to so. Addresses inside a network are for registries that
 * are there too: a foreign registry must not make this client knock on internal doors.
 *
 * @param registry the registry's own URL.
 * @throws ComposeImageError `UNAUTHORIZED` when the challenge names no realm, or one that is refused.
 */
export function checkRealm(realm: string | undefined, registry: URL, party: Party): URL {
  const refused = (what: string, hint: string): ComposeImageError =>
    new ComposeImageError("UNAUTHORIZED", `${party.side} ${party.store}: ${registry.host} ${what}`, { hint });
  if (realm === undefined || realm === "") {
    throw refused(
      "wants a bearer token but names no realm to get one from",
      "The registry's WWW-Authenticate header is wrong: its operator has to put that right.",
    );
  }
  const url = URL.parse(realm);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") {
    throw refused(
      `names a realm that is not a plain URL: ${redactText(realm, 200)}`,
      "The registry's WWW-Authenticate header is wrong: its operator has to put that right.",
    );
  }
  const reach = reachOf(url.hostname);
  const sameHost = url.hostname === registry.hostname;
  const neighbours = sameHost || (reach !== "public" && reach === reachOf(registry.hostname));
  if (url.protocol === "http:" && !(registry.protocol === "http:" && neighbours)) {
    throw refused(
      `sends us to ${redactUrl(url)} for a token, which is not https`,
      "Credentials are not sent unencrypted: the registry's operator has to name an https realm.",
    );
  }
  if (reach !== "public" && !neighbours) {
    throw refused(
      `sends us to the ${reach} address ${url.host} for a token`,
      "A registry elsewhere has no business naming such an address: the realm is wrong, or malicious.",
    );
  }
  return url;
}
