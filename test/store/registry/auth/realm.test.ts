import { expect, test } from "vitest";
import { checkRealm } from "../../../../src/store/registry/auth/realm.ts";

const party = { side: "base", registry: "registry.example", store: "registry.example/app" } as const;
const check = (realm: string | undefined, registry: string) => checkRealm(realm, new URL(registry), party);

test.each([
  ["https://auth.other.example/token", "https://registry.example/"],
  ["https://registry.example:5001/token", "https://registry.example/"],
  ["http://registry.example/token", "http://registry.example:5000/"],
  ["http://localhost:5001/token", "http://127.0.0.1:5000/"],
  ["https://10.0.0.2/token", "https://10.0.0.1:5000/"],
])("the realm %s of %s is asked", (realm, registry) => {
  expect(check(realm, registry).href).toBe(realm);
});

test.each([
  [undefined, "https://registry.example/", /names no realm/],
  ["/token", "https://registry.example/", /not a plain URL/],
  ["https://user:secret@auth.example/", "https://registry.example/", /not a plain URL/],
  ["http://auth.example/token", "https://registry.example/", /not https/],
  ["http://auth.example/token", "http://registry.example/", /not https/],
  ["http://registry.example/token", "https://registry.example/", /not https/],
  ["https://169.254.169.254/latest/meta-data", "https://registry.example/", /link-local address/],
  ["https://169.254.169.254/latest/meta-data", "https://10.0.0.1/", /link-local address/],
  ["https://localhost/token", "https://registry.example/", /loopback address/],
  ["https://10.0.0.2/token", "https://registry.example/", /internal address/],
  ["https://127.0.0.1/token", "https://10.0.0.1/", /loopback address/],
])("the realm %s of %s is refused", (realm, registry, message) => {
  expect(() => check(realm, registry)).toThrow(
    expect.objectContaining({ code: "UNAUTHORIZED", message: expect.stringMatching(message) }),
  );
});
