import { inspect } from "node:util";
import { expect, test } from "vitest";
import { parseCredentialFile } from "../../../../src/store/registry/auth/credential-file.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");
const authOf = (entry: unknown, key = "registry.example") =>
  parseCredentialFile(JSON.stringify({ auths: { [key]: entry } }), "f").auths.get("registry.example");

test("auth is split at its first colon", () => {
  expect(authOf({ auth: base64("me:a:b") })).toEqual({ kind: "password", username: "me", password: "a:b" });
});

test("username and password may be plain", () => {
  expect(authOf({ username: "me", password: "secret" })).toEqual({
    kind: "password",
    username: "me",
    password: "secret",
  });
});

test("an identity token wins over the password beside it, a registry token over both", () => {
  const auth = base64("me:secret");
  expect(authOf({ auth, identitytoken: "refresh" })).toEqual({
    kind: "identity",
    username: "me",
    token: "refresh",
  });
  expect(authOf({ auth, identitytoken: "refresh", registrytoken: "bearer" })).toEqual({
    kind: "bearer",
    token: "bearer",
  });
});

test("an empty entry holds nothing", () => {
  expect(authOf({})).toBeUndefined();
});

test.each([
  "https://registry.example/",
  "http://registry.example/v2/any",
  "registry.example/v1/",
  "REGISTRY.example",
])("the key %s stands for the host", (key) => {
  expect(authOf({ username: "me", password: "x" }, key)).toBeDefined();
});

test("Docker Hub's keys are one", () => {
  const text = JSON.stringify({ auths: { "https://index.docker.io/v1/": { auth: base64("me:x") } } });
  expect(parseCredentialFile(text, "f").auths.get("docker.io")).toBeDefined();
});

test.each(['{"secret-word', '["secret-word"]'])(
  "the malformed file %j is an error that names the file and shows nothing of it",
  (text) => {
    const error = thrownBy(() => parseCredentialFile(text, "/etc/auth.json"));
    expect(error).toMatchObject({ code: "CREDENTIALS_UNREADABLE" });
    expect(inspect(error)).toContain("/etc/auth.json");
    expect(error instanceof Error && `${error.message} ${error.cause}`).not.toContain("secret-word");
  },
);

test.each([{ auth: base64("secret-word") }, { registrytoken: "two words" }])(
  "a malformed entry is one, and no reason to refuse the others: %j",
  (entry) => {
    const text = JSON.stringify({ auths: { h: entry, other: { username: "me", password: "x" } } });
    const { auths, malformed } = parseCredentialFile(text, "f");
    expect([[...auths.keys()], [...malformed]]).toEqual([["other"], ["h"]]);
  },
);

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

test("a byte order mark and an empty file do no harm", () => {
  expect(parseCredentialFile('\ufeff{"credsStore":"desktop"}', "f").credsStore).toBe("desktop");
  expect(parseCredentialFile("", "f").auths.size).toBe(0);
});
