/** Query parameters that are of use in a message and never secret. */
const harmless = new Set(["digest", "mount", "from", "service", "scope", "n", "last"]);

/**
 * A URL as it may be shown: without user and password, and with the values of its query (signatures, upload states)
 * left out except for those known to be harmless.
 */
export function redactUrl(url: URL): string {
  const query = url.search
    .slice(1)
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const equals = pair.indexOf("=");
      const name = equals < 0 ? pair : pair.slice(0, equals);
      return equals < 0 || harmless.has(name) ? pair : `${name}=REDACTED`;
    });
  return `${url.protocol}//${url.host}${url.pathname}${query.length === 0 ? "" : `?${query.join("&")}`}`;
}

/**
 * Text of foreign origin as it may be shown on one line: no control characters, URLs redacted, `Authorization` values
 * and anything that looks like a JSON Web Token, whole or cut, left out; no longer than `limit` characters. Takes time
 * in proportion to the text's length, whatever the text.
 */
export function redactText(text: string, limit = 500): string {
  const line = text
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ")
    .replace(/ {2,}/g, " ")
    .trim()
    .replace(/\bhttps?:\/\/[^\s"'<>\\]+/gi, (found) => {
      const url = URL.parse(found);
      return url === null ? "REDACTED" : redactUrl(url);
    })
    .replace(/\b(Basic|Bearer) +[\w\-.~+/=]{8,}/gi, "$1 REDACTED")
    .replace(/\beyJ[\w-]{8,}(?:\.[\w-]+)*/g, "REDACTED");
  return line.length > limit ? `${line.slice(0, limit)}…` : line;
}
