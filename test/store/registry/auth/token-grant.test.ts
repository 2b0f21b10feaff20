import fc from "fast-check";
import { expect, test } from "vitest";
import { grantedScopes } from "../../../../src/store/registry/auth/token-grant.ts";

const token = (claims: unknown) => `x.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.y`;

test("a token with an access claim says what it is good for", () => {
  const access = [
    { type: "repository", name: "b", actions: ["push", "pull"] },
    { type: "repository", name: "a", actions: [] },
  ];
  expect(grantedScopes(token({ access }))).toEqual(["repository:b:pull,push"]);
  expect(grantedScopes(token({ access: [] }))).toEqual([]);
});

test.each(["opaque", "a.b.c", token("text"), token({ access: "all" })])("%s does not say", (text) => {
  expect(grantedScopes(text)).toBeUndefined();
});

test("any claims are read without a fault", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (access) => {
      const granted = grantedScopes(token({ access }));
      expect(granted === undefined || Array.isArray(granted)).toBe(true);
    }),
  );
});
