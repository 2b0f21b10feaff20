import { once } from "node:events";
import { chmod, readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  AuthHome,
  type AuthScene,
  authSceneKinds,
  bearerChallenge,
  bearerOf,
  challenge,
  entryOf,
  robotEntry,
} from "../support/auth-scene.ts";
import { expectCovered, readRows } from "../support/case-table.ts";
import { makeImage, pushMade } from "../support/make-image.ts";
import type { Fault } from "../support/proxy-fault.ts";
import { tagsOf } from "../support/read-image.ts";
import type { Exchange } from "../support/recording-proxy.ts";
import type { CliResult } from "../support/run-cli.ts";
import { secret } from "../support/secrets.ts";
import { makeCertificates, startTlsFront } from "../support/tls-front.ts";
import { tokenUser } from "../support/token-server.ts";
import { describeWith } from "../support/tools.ts";

/** What a case works with. */
interface Case {
  readonly scene: AuthScene;
  readonly home: AuthHome;
}

const wrong = secret("not the right password");
const wrongEntry = entryOf("robot", wrong);
const nothingFound = 'echo "credentials not found in native keychain"; exit 1';
const helperAnswer = (username: string, password: string) =>
  `cat >/dev/null; printf '%s' '${JSON.stringify({ ServerURL: "x", Username: username, Secret: password })}'`;

const ls = ({ home }: Case, image: string, args: readonly string[] = [], env: Record<string, string> = {}) =>
  home.run(["ls", image, "/app", "--verbose", "--retries", "0", ...args], { env });

/** Composes, mounting where the registry does. */
const compose = ({ scene, home }: Case, tag: string, args: readonly string[] = []) =>
  home.run([
    ...["compose", "--builder", `${scene.host}/team/builder:1`, "--base", `${scene.host}/team/base:1`],
    ...["--directory", "/app", "--tag", `${scene.host}/${tag}`, "--verbose", "--retries", "0", ...args],
  ]);

function expectDone({ status, stderr }: CliResult): void {
  expect(status, stderr).toBe(0);
}

function expectRefused(
  { status, stderr }: CliResult,
  code: string,
  ...says: readonly (string | RegExp)[]
): void {
  expect(status, stderr).toBe(code === "USAGE" ? 2 : 3);
  expect(stderr).toContain(`[${code}]`);
  for (const part of says) {
    if (typeof part === "string") expect(stderr).toContain(part);
    else expect(stderr).toMatch(part);
  }
}

const docker = (home: AuthHome, content: unknown) => home.file(".docker/config.json", content);

const cases: Readonly<Record<string, (world: Case) => Promise<void>>> = {
  "file-order": async (world) => {
    const { scene, home } = world;
    const image = `${scene.host}/team/builder:1`;
    const places = [
      "named.json",
      "by-variable.json",
      "run/containers/auth.json",
      ".config/containers/auth.json",
      ".docker/config.json",
    ];
    const env = { REGISTRY_AUTH_FILE: join(home.directory, "by-variable.json") };
    for (const place of places) await home.file(place, { auths: { "elsewhere.example": wrongEntry } });
    const args = ["--authfile", join(home.directory, "named.json")];
    expectRefused(await ls(world, image, args, env), "UNAUTHORIZED", /no credentials/);
    for (const place of places.toReversed()) {
      await home.file(place, { auths: { [scene.host]: robotEntry() } });
      expectDone(await ls(world, image, args, env));
      await home.file(place, { auths: { [scene.host]: wrongEntry } });
      expectRefused(await ls(world, image, args, env), "UNAUTHORIZED", place);
    }
  },

  "file-order--home": async (world) => {
    await docker(world.home, { auths: { [world.scene.host]: robotEntry() } });
    expectDone(await ls(world, `${world.scene.host}/team/builder:1`, [], { DOCKER_CONFIG: "" }));
  },

  "file-overlay": async (world) => {
    const { scene, home } = world;
    const named = await home.file("named.json", { auths: { [scene.host]: wrongEntry } });
    const env = { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [scene.host]: robotEntry() } }) };
    expectDone(await ls(world, `${scene.host}/team/builder:1`, ["--authfile", named], env));
  },

  "file-runtime": async ({ scene, home }) => {
    const explained = await home.run(["auth", "explain", `${scene.host}/public/builder:1`], {
      env: { XDG_RUNTIME_DIR: "" },
    });
    expectDone(explained);
    expect(explained.stdout).toContain(
      `/run/containers/${process.getuid?.()}/auth.json (podman's, for a session)`,
    );
  },

  "file-missing": async (world) => {
    const { scene, home } = world;
    const absent = join(home.directory, "absent.json");
    const image = `${scene.host}/public/builder:1`;
    for (const args of [
      ["ls", image],
      ["cat", image, "/app/a"],
      ["auth", "explain", image],
    ])
      expectRefused(await home.run([...args, "--authfile", absent]), "USAGE", absent);
    expectRefused(await compose(world, "team/app:1", ["--authfile", absent]), "USAGE", absent);
    expect(scene.proxy.exchanges).toEqual([]);
    const named = await home.file("named.json", {});
    expectDone(await ls(world, image, ["--authfile", named]));
  },

  "file-unreadable": async (world) => {
    const { scene, home } = world;
    const named = await home.file("named.json", { auths: { [scene.host]: robotEntry() } });
    await home.file(".docker/config.json/below", {});
    const args = ["--authfile", named];
    expectDone(await ls(world, `${scene.host}/team/builder:1`, args));
    await home.file("named.json", {});
    expectRefused(
      await ls(world, `${scene.host}/team/builder:1`, args),
      "CREDENTIALS_UNREADABLE",
      ".docker/config.json",
    );
  },

  "key-path": async (world) => {
    const { scene, home } = world;
    await docker(home, {
      auths: {
        [scene.host]: wrongEntry,
        [`${scene.host}/team`]: wrongEntry,
        [`${scene.host}/team/builder`]: robotEntry(),
        [`${scene.host}/team/buil`]: wrongEntry,
        [`${scene.host}/other`]: robotEntry(),
      },
    });
    expectDone(await ls(world, `${scene.host}/team/builder:1`));
    expectDone(await ls(world, `${scene.host}/other/builder:1`));
    const base = await ls(world, `${scene.host}/team/base:1`);
    expectRefused(base, "UNAUTHORIZED", `(${scene.host}/team)`, `compose-image login ${scene.host}/team,`);
    // one run that needs both: neither the credentials nor the tokens of one repository serve the other
    expectRefused(await compose(world, "team/app:key"), "UNAUTHORIZED", /base .*team\/base/);
  },

  "key-url": async (world) => {
    await docker(world.home, { auths: { [`https://${world.scene.host}/v1/`]: robotEntry() } });
    expectDone(await ls(world, `${world.scene.host}/team/builder:1`));
  },

  "key-docker-hub": async ({ scene, home }) => {
    const { auth } = robotEntry();
    const token = scene.tokens.token(["repository:team/builder:pull"]);
    scene.fault = (exchange) => basicGate(exchange, auth, token);
    const certificates = await makeCertificates();
    const hub = await startTlsFront(scene.proxy.url, certificates, false);
    const tunnel = await startTunnel(hub.host);
    const args = ["ls", "team/builder:1", "--retries", "0", "--ca-file", certificates.ca];
    const env = { HTTPS_PROXY: tunnel.url };
    for (const key of [
      "docker.io",
      "index.docker.io",
      "registry-1.docker.io",
      "https://index.docker.io/v1/",
    ]) {
      await docker(home, { auths: { [key]: { auth } } });
      expectDone(await home.run(args, { env }));
    }
    await docker(home, { auths: { "hub.docker.io": { auth } } });
    expectRefused(await home.run(args, { env }), "UNAUTHORIZED", "no credentials for docker.io");
    expect(new Set(tunnel.asked)).toEqual(new Set(["registry-1.docker.io:443"]));
    await tunnel.stop();
    await hub.stop();
  },

  "entry-auth": async (world) => {
    expect(tokenUser.password).toContain(":");
    await docker(world.home, { auths: { [world.scene.host]: robotEntry() } });
    expectDone(await compose(world, "team/app:auth"));
    expect(await tagsOf(world.scene.open.url, "team/app")).toContain("auth");
  },

  "entry-plain": async (world) => {
    const { username, password } = tokenUser;
    await docker(world.home, { auths: { [world.scene.host]: { username, password } } });
    expectDone(await ls(world, `${world.scene.host}/team/builder:1`));
  },

  "entry-malformed": async (world) => {
    const { scene, home } = world;
    const malformed = { auth: Buffer.from(wrong).toString("base64") };
    await docker(home, { auths: { "other.example": malformed, [scene.host]: robotEntry() } });
    expectDone(await ls(world, `${scene.host}/team/builder:1`));
    await docker(home, { auths: { [scene.host]: malformed } });
    const result = await ls(world, `${scene.host}/team/builder:1`);
    expectRefused(result, "CREDENTIALS_UNREADABLE", `entry for ${scene.host} is malformed`);
  },

  "helper-per-host": async (world) => {
    const { scene, home } = world;
    await home.helper("right", helperAnswer(tokenUser.username, tokenUser.password));
    await home.helper("wrong", helperAnswer("robot", wrong));
    await docker(home, {
      auths: { [scene.host]: wrongEntry },
      credHelpers: { [scene.host]: "right" },
      credsStore: "wrong",
    });
    expectDone(await ls(world, `${scene.host}/team/builder:1`));
  },

  "helper-for-all": async (world) => {
    const { scene, home } = world;
    await home.helper("all", `test "$1" = get && ${helperAnswer(tokenUser.username, tokenUser.password)}`);
    for (const auths of [{ [scene.host]: {} }, {}]) {
      await docker(home, { auths, credsStore: "all" });
      expectDone(await ls(world, `${scene.host}/team/builder:1`));
    }
  },

  "helper-without-shell": async (world) => {
    const { scene, home } = world;
    const mark = join(home.directory, "run-by-a-shell");
    for (const name of [`x; touch ${mark}`, `../bin/x`, `$(touch ${mark})`, "-x"]) {
      await docker(home, { credHelpers: { [scene.host]: name } });
      expectRefused(
        await ls(world, `${scene.host}/team/builder:1`),
        "CREDENTIALS_UNREADABLE",
        "helper's name",
      );
    }
    await expect(readFile(mark)).rejects.toThrow("ENOENT");
    const seen = join(home.directory, "seen");
    await home.helper("noting", `echo "$# $1" >${seen}; cat >>${seen}; ${nothingFound}`);
    await docker(home, { credHelpers: { [scene.host]: "noting" } });
    expectDone(await ls(world, `${scene.host}/public/builder:1`));
    expect(await readFile(seen, "utf8")).toBe(`1 get\n${scene.host}\n`);
  },

  "helper-nothing": async (world) => {
    const { scene, home } = world;
    await home.helper("none", nothingFound);
    for (const content of [{ credHelpers: { [scene.host]: "none" } }, { credsStore: "none" }]) {
      await docker(home, content);
      expectDone(await ls(world, `${scene.host}/public/builder:1`));
      expect(scene.tokens.asked.at(-1)).toMatchObject({ user: undefined, status: 200 });
      expectRefused(await ls(world, `${scene.host}/team/builder:1`), "UNAUTHORIZED", "no credentials");
    }
  },

  "helper-missing": async (world) => {
    const { scene, home } = world;
    await docker(home, { credHelpers: { [scene.host]: "absent" } });
    const named = await ls(world, `${scene.host}/public/builder:1`);
    expectRefused(named, "CREDENTIALS_UNREADABLE", "docker-credential-absent", /hint: Install/);
    await docker(home, { credsStore: "absent" });
    const all = await ls(world, `${scene.host}/public/builder:1`);
    expectDone(all);
    expect(all.stderr).toMatch(/^warning: .*docker-credential-absent/m);
  },

  "helper-failing": async (world) => {
    const { scene, home } = world;
    await docker(home, { credsStore: "odd" });
    for (const script of [`echo '${wrong}'; echo '${wrong}' >&2; exit 1`, `echo '${wrong}'`, `echo '{}'`]) {
      await home.helper("odd", `cat >/dev/null; ${script}`);
      expectRefused(
        await ls(world, `${scene.host}/team/builder:1`),
        "CREDENTIALS_UNREADABLE",
        "docker-credential-odd",
      );
    }
    await chmod(join(home.directory, "bin/docker-credential-odd"), 0o644);
    expectRefused(
      await ls(world, `${scene.host}/team/builder:1`),
      "CREDENTIALS_UNREADABLE",
      "could not be started",
    );
  },

  "helper-token": async (world) => {
    const { scene, home } = world;
    await home.helper("token", helperAnswer("<token>", tokenUser.refreshToken));
    await docker(home, { credsStore: "token" });
    expectDone(await ls(world, `${scene.host}/team/builder:1`));
    expect(scene.tokens.asked).toMatchObject([{ method: "POST", user: "robot" }]);
  },

  "identity-token": async (world) => {
    const { scene, home } = world;
    const entry = { auth: Buffer.from("robot:").toString("base64"), identitytoken: tokenUser.refreshToken };
    await docker(home, { auths: { [scene.host]: entry } });
    scene.tokens.manners.field = "access_token";
    expectDone(await compose(world, "team/app:identity"));
    expect(new Set(scene.tokens.asked.map(({ method }) => method))).toEqual(new Set(["POST"]));
  },

  "identity-fallback": async (world) => {
    const { scene, home } = world;
    await docker(home, { auths: { [scene.host]: { identitytoken: tokenUser.refreshToken } } });
    for (const status of [400, 401, 404, 405]) {
      scene.reset();
      scene.tokens.manners.postStatus = status;
      expectDone(await ls(world, `${scene.host}/team/builder:1`));
      expect(scene.tokens.asked).toMatchObject([
        { method: "POST", status },
        { method: "GET", user: "robot" },
      ]);
    }
  },

  "registry-token": async (world) => {
    const { scene, home } = world;
    const registrytoken = scene.tokens.token(["repository:team/builder:pull"]);
    await docker(home, { auths: { [scene.host]: { registrytoken } } });
    expectDone(await ls(world, `${scene.host}/team/builder:1`));
    expect(scene.tokens.asked).toEqual([]);
  },

  challenge: async (world) => {
    const { scene, home } = world;
    await docker(home, { auths: { [scene.host]: robotEntry() } });
    const { realm, service } = scene.tokens.settings;
    expect(service).toContain(",");
    const value = `Negotiate abc==, BASIC realm="a, b", bEaReR Realm="${realm}" , SERVICE="${service}",scope="repository:team/builder:pull,push"`;
    scene.fault = (exchange) => (bearerOf(exchange) === undefined ? challenge(401, value) : undefined);
    expectDone(await ls(world, `${scene.host}/team/builder:1`));
    expect(scene.tokens.asked).toMatchObject([{ scopes: ["repository:team/builder:pull,push"] }]);
  },

  "challenge-without-realm": async (world) => {
    world.scene.fault = () => challenge(401, 'Bearer service="x"');
    expectRefused(await ls(world, `${world.scene.host}/public/builder:1`), "UNAUTHORIZED", "names no realm");
  },

  "challenge-unknown": async (world) => {
    world.scene.fault = () => challenge(401, "Negotiate");
    expectRefused(
      await ls(world, `${world.scene.host}/public/builder:1`),
      "UNAUTHORIZED",
      "negotiate authentication",
    );
  },

  basic: async (world) => {
    const { scene, home } = world;
    const { auth } = robotEntry();
    const token = scene.tokens.token(["repository:team/builder:pull"]);
    scene.fault = (exchange) => basicGate(exchange, auth, token);
    await docker(home, { auths: { [scene.host]: { auth } } });
    expectDone(await ls(world, `${scene.host}/team/builder:1`));
    await docker(home, { auths: { [scene.host]: wrongEntry } });
    expectRefused(await ls(world, `${scene.host}/team/builder:1`), "UNAUTHORIZED", ".docker/config.json");
    expect(scene.tokens.asked).toEqual([]);
  },

  "token-reply": async (world) => {
    const { scene } = world;
    for (const field of ["token", "access_token"] as const) {
      for (const expiresIn of [undefined, 1]) {
        scene.reset();
        Object.assign(scene.tokens.manners, { field, expiresIn });
        expectDone(await ls(world, `${scene.host}/public/builder:1`));
        expect(scene.tokens.asked).toHaveLength(1);
      }
    }
  },

  "token-once": async ({ scene, home }) => {
    await docker(home, { auths: { [scene.host]: robotEntry() } });
    // builder and base are of one repository, and resolved at the same time
    const image = (tag: string) => `${scene.host}/team/images:${tag}`;
    const both = ["--builder", image("builder"), "--base", image("base"), "--directory", "/app"];
    expectDone(await home.run([...both, "--tag", image("once")]));
    const scopes = scene.tokens.asked.map((asked) => asked.scopes.join(" "));
    expect(scopes).toContain("repository:team/images:pull");
    expect(scopes).toEqual([...new Set(scopes)]);
  },

  "token-once--layers": async ({ scene, home }) => {
    await docker(home, { auths: { [scene.host]: robotEntry() } });
    const layers = Array.from({ length: 12 }, (_, i) => ({
      files: [{ path: "app/" }, { path: `app/${i}`, content: `${i}` }],
    }));
    const many = makeImage({ layers });
    const isLayer = ({ path }: Exchange) =>
      many.layers.some(({ descriptor }) => path === `/v2/team/many/blobs/${descriptor.digest}`);
    await pushMade(many, scene.open.url, "team/many:1");
    // the token that the manifest was read with is refused to eight layers at once, and the next one waited for
    const first = Promise.withResolvers<void>();
    let old: string | undefined;
    let turnedAway = 0;
    scene.fault = (exchange) => {
      const token = bearerOf(exchange);
      if (!isLayer(exchange) || token === undefined) return undefined;
      old ??= token;
      if (token !== old) return undefined;
      scene.tokens.manners.hold = first.promise;
      turnedAway += 1;
      if (turnedAway === 8) first.resolve();
      return challenge(401, bearerChallenge(scene.tokens, { error: "invalid_token" }));
    };
    const image = `${scene.host}/team/many:1`;
    expectDone(
      await home.run([
        ...["--builder", image, "--base", "scratch", "--directory", "/app", "--jobs", "8"],
        ...["--tag", `${scene.host}/team/few:1`],
      ]),
    );
    expect(turnedAway).toBe(8);
    const asked = scene.tokens.asked.map(({ scopes }) => scopes.join(" "));
    const times = (scopes: string) => asked.filter((each) => each === scopes).length;
    expect(Object.fromEntries(asked.map((scopes) => [scopes, times(scopes)]))).toEqual({
      "repository:team/many:pull": 2,
      "repository:team/few:pull": 1,
      "repository:team/few:pull,push": 1,
    });
  },

  "realm-elsewhere": async (world) => {
    const { scene, home } = world;
    await docker(home, { auths: { [scene.host]: robotEntry() } });
    const tunnel = await startTunnel();
    const image = `${scene.host}/team/builder:1`;
    const withRealm = (realm: string) => {
      scene.fault = () => challenge(401, `Bearer realm="${realm}"`);
      return ls(world, image, [], { HTTPS_PROXY: tunnel.url, HTTP_PROXY: tunnel.url });
    };
    for (const realm of ["http://auth.example/token", "http://10.1.2.3/token", "https://192.168.0.1/token"])
      expectRefused(await withRealm(realm), "UNAUTHORIZED", /not https|internal address/);
    expectRefused(await withRealm("https://169.254.169.254/token"), "UNAUTHORIZED", "link-local address");
    expect(tunnel.asked).toEqual([]);
    expect((await withRealm("https://auth.example/token")).status).toBe(5);
    expect(tunnel.asked).toEqual(["auth.example:443"]);
    await tunnel.stop();
  },

  "scope-mount": async (world) => {
    const { scene, home } = world;
    await docker(home, { auths: { [scene.host]: robotEntry() } });
    const result = await compose(world, "team/mounted:1");
    expectDone(result);
    expect(result.stderr).toContain("mounted ");
    expect(scene.tokens.asked.map(({ scopes }) => scopes)).toContainEqual([
      "repository:team/base:pull",
      "repository:team/mounted:pull,push",
    ]);
  },

  "scope-insufficient": async (world) => {
    const { scene, home } = world;
    await docker(home, { auths: { [scene.host]: robotEntry() } });
    const extra = "repository:team/extra:pull";
    for (const status of [401, 403]) {
      scene.reset();
      scene.fault = (exchange) => {
        const token = bearerOf(exchange);
        if (token === undefined || scene.tokens.accepts(token, [extra])) return undefined;
        return challenge(
          status,
          bearerChallenge(scene.tokens, { scope: extra, error: "insufficient_scope" }),
        );
      };
      expectDone(await ls(world, `${scene.host}/team/builder:1`));
      expect(scene.tokens.asked.map(({ scopes }) => scopes)).toEqual([
        ["repository:team/builder:pull"],
        ["repository:team/builder:pull", extra],
      ]);
    }
  },

  refresh: async (world) => {
    const { scene, home } = world;
    await docker(home, { auths: { [scene.host]: robotEntry() } });
    const refusedTokens = new Set<string>();
    scene.fault = (exchange) => {
      const token = bearerOf(exchange);
      if (exchange.method !== "PUT" || token === undefined) return undefined;
      if (refusedTokens.size === 0) refusedTokens.add(token);
      if (!refusedTokens.has(token)) return undefined;
      return challenge(401, bearerChallenge(scene.tokens, { error: "invalid_token" }));
    };
    expectDone(await compose(world, "team/refreshed:1"));
    expect(refusedTokens.size).toBe(1);
    expect(await tagsOf(scene.open.url, "team/refreshed")).toEqual(["1"]);
    const pushing = scene.tokens.asked.filter(
      ({ scopes }) => scopes.join() === "repository:team/refreshed:pull,push",
    );
    expect(pushing.length).toBeGreaterThan(0);
    const uploads = scene.proxy.exchanges.filter(
      ({ method, path }) => method === "PUT" && path.includes("/uploads/"),
    );
    expect(uploads.map(({ status }) => status)).toEqual(expect.arrayContaining([401, 201]));
  },

  "refused-public": async (world) => {
    const { scene, home } = world;
    await docker(home, { auths: { [scene.host]: wrongEntry } });
    const result = await ls(world, `${scene.host}/public/builder:1`);
    expectRefused(
      result,
      "UNAUTHORIZED",
      "401 incorrect username or password",
      ".docker/config.json",
      "log out",
    );
    expect(scene.tokens.asked.map(({ status }) => status)).toEqual([401]);
  },

  "refused-clock": async (world) => {
    const { scene } = world;
    scene.fault = () => challenge(401, bearerChallenge(scene.tokens, { error: "invalid_token" }));
    expectRefused(await ls(world, `${scene.host}/public/builder:1`), "UNAUTHORIZED", /hint: .*clocks/);
  },

  anonymous: async (world) => {
    const { scene } = world;
    expectDone(await ls(world, `${scene.host}/public/builder:1`));
    expect(scene.tokens.asked).toMatchObject([{ method: "GET", user: undefined }]);
    const refused = await ls(world, `${scene.host}/team/builder:1`);
    expectRefused(refused, "UNAUTHORIZED", "image ", "no credentials", `compose-image login ${scene.host}`);
  },

  secrets: async (world) => {
    // every run of every case is looked through; here those that have most to tell
    const { scene, home } = world;
    const image = `${scene.host}/team/builder:1`;
    for (const entry of [robotEntry(), wrongEntry, { identitytoken: tokenUser.refreshToken }]) {
      await docker(home, { auths: { [scene.host]: entry } });
      for (const form of [[], ["--json"]]) {
        const explained = await home.run(["auth", "explain", image, "--push", "--verbose", ...form]);
        expect(explained.stdout).toContain("team/builder");
      }
    }
    scene.fault = ({ requestHeaders }) =>
      challenge(403, `Bearer realm="${requestHeaders.authorization ?? "x"}"`);
    const echoed = await ls(world, image);
    expect(echoed.status).toBe(3);
    // the processes of the machine are there for everybody to see: no secret is ever an argument
    const password = await home.run(["login", scene.host, "-u", "robot", "-p", "typed by mistake"]);
    expectRefused(password, "USAGE", "--password-stdin");
    expect(password.stderr).not.toContain("mistake");
  },
};

const rows = readRows("authentication.md");

describe("the table of docs/authentication.md", () => {
  test("has a case for every row, a row for every case, and no id twice", () => {
    expectCovered(rows, Object.keys(cases));
  });
});

for (const { name, needs, start } of authSceneKinds) {
  describeWith(["cli", "openssl", ...needs], `authentication with ${name}`, () => {
    let ran = 0;
    let scene: AuthScene;
    beforeAll(async () => {
      scene = await start();
    });
    beforeEach(() => scene.reset());
    afterAll(async () => {
      await scene.stop();
      const all = Object.keys(cases).length;
      console.info(
        `${ran} of ${all} cases ran with ${name}, for ${rows.length} rows of docs/authentication.md`,
      );
    });

    test.each(Object.entries(cases))("%s", async (_, run) => {
      await run({ scene, home: await AuthHome.make() });
      ran += 1;
    });
  });
}

/** Lets in by Basic authentication, and shows the registry a token instead. */
function basicGate({ requestHeaders }: Exchange, auth: string, token: string): Fault | undefined {
  if (requestHeaders.authorization !== `Basic ${auth}`) return challenge(401, 'Basic realm="r"');
  requestHeaders.authorization = `Bearer ${token}`;
  return undefined;
}

/** A proxy that notes where it is asked to lead, and leads to one host instead, or nowhere. */
async function startTunnel(host?: string) {
  const asked: string[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (head) => {
      asked.push(/^\S+ (\S+)/.exec(head.toString("latin1"))?.[1] ?? "");
      if (host === undefined) {
        socket.end("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
        return;
      }
      const { hostname, port } = new URL(`http://${host}`);
      const onward = connect(Number(port), hostname, () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        pipeline(socket, onward, socket, () => {});
      });
      onward.on("error", () => socket.destroy());
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async stop() {
      server.close();
      await once(server, "close");
    },
  };
}
