import fc from "fast-check";
import { expect, test } from "vitest";
import { redactText, redactUrl } from "../../../src/store/registry/redact.ts";

test("a URL loses user, password and the values of its query, but keeps what is harmless", () => {
  const url = new URL(
    "https://me:secret@s3.example:8443/blob?X-Amz-Signature=abc&digest=sha256:aa&state=b%2Bc&flag",
  );
  expect(redactUrl(url)).toBe(
    "https://s3.example:8443/blob?X-Amz-Signature=REDACTED&digest=sha256:aa&state=REDACTED&flag",
  );
});

test.each([
  ["see https://a:b@host.example/x?sig=1 now", "see https://host.example/x?sig=REDACTED now"],
  ["Authorization: Bearer abcdefghijkl", "Authorization: Bearer REDACTED"],
  ["token eyJhbGciOiJ.eyJzdWIi.c2ln seen", "token REDACTED seen"],
  ["line\none\u001b[31mred\u202e", "line one [31mred"],
])("foreign text %j is shown as %j", (text, shown) => {
  expect(redactText(text)).toBe(shown);
});

test("foreign text is one line without control characters, of bounded length", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 2000 }), (text) => {
      const shown = redactText(text, 100);
      expect(shown).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect(shown.length).toBeLessThanOrEqual(101);
    }),
  );
});
