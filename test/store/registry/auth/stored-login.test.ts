import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { unstoppable } from "../../../../src/io/call.ts";
import { parseRegistryName } from "../../../../src/model/reference.ts";
import { loginPath } from "../../../../src/store/registry/auth/login-path.ts";
import { removeLogin, storeLogin } from "../../../../src/store/registry/auth/stored-login.ts";
import { secret } from "../../../support/secrets.ts";

let home: string;
let file: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "compose-image-login-"));
  file = join(home, "config.json");
});
afterEach(() => rm(home, { recursive: true, force: true }));

const login = { username: "me", password: secret("password-word") };
const entry = { auth: Buffer.from(`me:${login.password}`).toString("base64") };
const store = (name: string) => storeLogin(file, parseRegistryName(name), login, {}, unstoppable);
const remove = (name?: string) =>
  removeLogin(file, name === undefined ? undefined : parseRegistryName(name), {}, unstoppable);
const stored = async () => JSON.parse(await readFile(file, "utf8"));

describe("a stored login", () => {
  test.each([
    ["docker.io", "https://index.docker.io/v1/"],
    ["https://index.docker.io/v1/", "https://index.docker.io/v1/"],
    ["docker.io/me", "docker.io/me"],
    ["Registry.example:5000", "registry.example:5000"],
    ["registry.example/team/app/", "registry.example/team/app"],
    ["[::1]:5000", "[::1]:5000"],
  ])("for %s is filed under %s", async (name, key) => {
    await store(name);
    expect(await stored()).toEqual({ auths: { [key]: entry } });
    expect(await remove(name)).toHaveLength(1);
    expect(await stored()).toEqual({ auths: {} });
  });

  test("takes the place of the same key in other words, with whatever it held", async () => {
    const auths = {
      "index.docker.io": { identitytoken: "old" },
      "https://docker.io": entry,
      "r.example": {},
    };
    await writeFile(file, JSON.stringify({ auths, __proto__: { x: 1 }, "10": [1.5, null] }));
    await store("docker.io");
    expect(await stored()).toEqual({
      auths: { "r.example": {}, "https://index.docker.io/v1/": entry },
      "10": [1.5, null],
    });
  });

  test("is written as docker does, with tabs", async () => {
    await store("r.example");
    expect(await readFile(file, "utf8")).toBe(
      `{\n\t"auths": {\n\t\t"r.example": {\n\t\t\t"auth": "${entry.auth}"\n\t\t}\n\t}\n}\n`,
    );
  });

  test("is not written over what is no credentials file", async () => {
    await writeFile(file, "not JSON");
    await expect(store("r.example")).rejects.toMatchObject({ code: "CREDENTIALS_UNREADABLE" });
    expect(await readFile(file, "utf8")).toBe("not JSON");
  });
});

describe("removing logins", () => {
  test("does nothing, and makes no file, where there is none", async () => {
    expect(await remove("r.example")).toEqual([]);
    await expect(readFile(file)).rejects.toThrow("ENOENT");
  });

  test("removes all of them, and nothing else", async () => {
    await store("r.example");
    await store("o.example/team");
    expect((await remove()).sort()).toEqual(["o.example/team", "r.example"]);
    expect(await stored()).toEqual({ auths: {} });
  });
});

describe("the file for logins", () => {
  const env = () => ({
    HOME: home,
    XDG_RUNTIME_DIR: join(home, "run"),
    XDG_CONFIG_HOME: join(home, "config"),
    DOCKER_CONFIG: join(home, "docker"),
  });

  test("is the one named, then the variable's, then docker's where there is none", async () => {
    const withVariable = { ...env(), REGISTRY_AUTH_FILE: "/variable.json" };
    expect(await loginPath("/named.json", withVariable)).toBe("/named.json");
    expect(await loginPath(undefined, withVariable)).toBe("/variable.json");
    expect(await loginPath(undefined, env())).toBe(join(home, "docker/config.json"));
    expect(await loginPath(undefined, { ...env(), DOCKER_CONFIG: "" })).toBe(
      join(home, ".docker/config.json"),
    );
  });
});

test.each(["", "r.example:x", "r.example/team:1", "r.example/TEAM", "http://", "a b"])(
  "%j is no registry's name",
  (text) => {
    expect(() => parseRegistryName(text)).toThrow(/is not a registry's name/);
  },
);

test("a registry's name with a password is refused without showing it", () => {
  let message = "";
  try {
    parseRegistryName("me:hunter2@r.example");
  } catch (error) {
    message = String(error);
  }
  expect(message).toContain("holds no user and password");
  expect(message).not.toContain("hunter2");
});
