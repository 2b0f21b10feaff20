import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { unstoppable } from "../../../../src/io/call.ts";
import { Credentials } from "../../../../src/store/registry/auth/credentials.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "compose-image-credentials-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const write = async (path: string, content: unknown) => {
  const file = join(home, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify(content));
  return file;
};
const entry = (username: string) => ({ username, password: "secret" });
const auths = (...keys: string[]) => ({ auths: Object.fromEntries(keys.map((key) => [key, entry(key)])) });

async function find(
  registry: string,
  repository: string,
  env: Record<string, string> = {},
  authfile?: string,
  warnings: string[] = [],
) {
  const credentials = new Credentials({
    authfile,
    env: { HOME: home, ...env },
    onWarning: (message) => warnings.push(message),
  });
  const found = await credentials.find(registry, repository, unstoppable);
  const { credential } = found;
  return { ...found, user: credential?.kind === "bearer" ? undefined : credential?.username };
}

test("the longest prefix of the repository's path wins", async () => {
  await write(".docker/config.json", auths("r.example", "r.example/team", "r.example/team/app"));
  expect((await find("r.example", "team/app")).user).toBe("r.example/team/app");
  expect((await find("r.example", "team/other")).user).toBe("r.example/team");
  expect((await find("r.example", "teams/app")).user).toBe("r.example");
  expect((await find("other.example", "team/app")).user).toBeUndefined();
});

test("the files are asked in their order, and the first with a match wins", async () => {
  const order = [
    "named.json",
    "by-variable.json",
    "run/containers/auth.json",
    "config/containers/auth.json",
    "docker/config.json",
  ];
  const env = {
    REGISTRY_AUTH_FILE: join(home, "by-variable.json"),
    XDG_RUNTIME_DIR: join(home, "run"),
    XDG_CONFIG_HOME: join(home, "config"),
    DOCKER_CONFIG: join(home, "docker"),
  };
  for (const path of order.toReversed()) {
    await write(path, { auths: { "r.example": entry(path) } });
    const authfile = path === "named.json" ? join(home, path) : undefined;
    expect((await find("r.example", "app", env, authfile)).user).toBe(path);
  }
  const overlay = { ...env, DOCKER_AUTH_CONFIG: JSON.stringify(auths("r.example")) };
  expect((await find("r.example", "app", overlay)).user).toBe("r.example");
});

test("a file without a match is passed over, and told among those looked at", async () => {
  await write(".config/containers/auth.json", auths("elsewhere.example"));
  await write(".docker/config.json", auths("r.example"));
  const found = await find("r.example", "app");
  expect(found.origin).toBe(`${join(home, ".docker/config.json")} (r.example)`);
  expect(found.consulted).toEqual([
    join(home, ".config/containers/auth.json"),
    join(home, ".docker/config.json"),
  ]);
});

test("what is wrong with a file that is not needed does not matter", async () => {
  const named = await write("named.json", auths("r.example"));
  await mkdir(join(home, ".docker/config.json"), { recursive: true });
  expect((await find("r.example", "app", {}, named)).user).toBe("r.example");
  await expect(find("other.example", "app", {}, named)).rejects.toMatchObject({
    code: "CREDENTIALS_UNREADABLE",
    message: expect.stringContaining(".docker/config.json"),
  });
});

test("a malformed entry is an error for who needs it, and for nobody else", async () => {
  await write(".docker/config.json", {
    auths: { "r.example": { auth: "c2VjcmV0" }, "o.example": entry("me") },
  });
  expect((await find("o.example", "app")).user).toBe("me");
  await expect(find("r.example", "app")).rejects.toMatchObject({
    code: "CREDENTIALS_UNREADABLE",
    message: expect.stringMatching(/config\.json: the entry for r\.example is malformed$/),
  });
});

test("a file named by option has to exist", async () => {
  await expect(find("r.example", "app", {}, join(home, "absent.json"))).rejects.toMatchObject({
    code: "CREDENTIALS_UNREADABLE",
  });
});

describe("with credential helpers", () => {
  const helper = async (name: string, script: string) => {
    const path = await write(`bin/docker-credential-${name}`, "");
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
  };
  const path = () => ({ PATH: `${join(home, "bin")}:/usr/bin:/bin` });
  const answer =
    'read server; echo "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"$server\\",\\"Secret\\":\\"s\\"}"';

  test("a helper for the host comes before the helper for all", async () => {
    await helper("one", answer);
    await helper("all", 'echo "{\\"Username\\":\\"all\\",\\"Secret\\":\\"s\\"}"');
    await write(".docker/config.json", {
      credHelpers: { "r.example": "one" },
      credsStore: "all",
      auths: { "x.example": {} },
    });
    expect((await find("r.example", "app", path())).user).toBe("r.example");
    expect((await find("x.example", "app", path())).user).toBe("all");
    expect((await find("y.example", "app", path())).user).toBe("all");
  });

  test("Docker Hub is asked for under its old name", async () => {
    await helper("all", answer);
    await write(".docker/config.json", { credsStore: "all" });
    expect((await find("docker.io", "library/debian", path())).user).toBe("https://index.docker.io/v1/");
  });

  test("the user <token> says that the secret is a refresh token", async () => {
    await helper("all", 'echo "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"s\\"}"');
    await write(".docker/config.json", { credsStore: "all" });
    expect((await find("r.example", "app", path())).credential).toMatchObject({
      kind: "identity",
      token: "s",
    });
  });

  test("a helper that finds nothing means anonymous", async () => {
    await helper("all", 'echo "credentials not found in native keychain"; exit 1');
    await write(".docker/config.json", { credsStore: "all" });
    expect((await find("r.example", "app", path())).credential).toBeUndefined();
  });

  test("a helper that fails is an error that shows nothing it said", async () => {
    await helper("all", 'echo "secret-word"; exit 1');
    await write(".docker/config.json", { credsStore: "all" });
    await expect(find("r.example", "app", path())).rejects.toMatchObject({
      code: "CREDENTIALS_UNREADABLE",
      message: expect.not.stringContaining("secret-word"),
    });
  });

  test("a missing helper is an error for its host, and a warning for all", async () => {
    await write(".docker/config.json", { credHelpers: { "r.example": "absent" }, credsStore: "missing" });
    await expect(find("r.example", "app", path())).rejects.toMatchObject({
      code: "CREDENTIALS_UNREADABLE",
      hint: expect.stringContaining("docker-credential-absent"),
    });
    const warnings: string[] = [];
    expect((await find("other.example", "app", path(), undefined, warnings)).credential).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining("docker-credential-missing")]);
  });

  test.each(["../evil", "a b", "a;b", "-x"])("%j is no helper's name and is not run", async (name) => {
    await write(".docker/config.json", { credsStore: name });
    await expect(find("r.example", "app", path())).rejects.toMatchObject({ code: "CREDENTIALS_UNREADABLE" });
  });
});
