import type { ServerResponse } from "node:http";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { unstoppable } from "../../../../src/io/call.ts";
import { expectNoSecrets, secret } from "../../../support/secrets.ts";
import { openForTest, startForTest } from "../open-for-test.ts";
import {
  countOf,
  registryError,
  type Script,
  type ScriptedRegistry,
  type SeenRequest,
  sampleBlob,
  sendJson,
} from "../scripted-registry.ts";

const { descriptor } = sampleBlob(10);
const base64 = (text: string) => Buffer.from(text).toString("base64");

interface Options {
  /** What the token server does instead of giving `token-N` for the N-th request. */
  readonly token?: Script;
  /** Whether a token lets in. Default: any. */
  readonly accepts?: (token: string, request: SeenRequest) => boolean;
  readonly challenge?: (request: SeenRequest) => string;
}

/** A registry with its token server on the same port. */
async function start(options: Options = {}): Promise<ScriptedRegistry> {
  const registry = await startForTest(async (request, response) => {
    if (request.path === "/token") {
      if (options.token !== undefined) return options.token(request, response);
      return sendJson(response, 200, { token: `token-${countOf(registry, "GET", "/token")}` });
    }
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? "")?.[1];
    if (token !== undefined && (options.accepts?.(token, request) ?? true))
      return response.writeHead(200).end();
    const scope = request.method === "HEAD" || request.method === "GET" ? "pull" : "pull,push";
    const challenge =
      options.challenge?.(request) ??
      `Bearer realm="http://${registry.host}/token",service="registry",scope="repository:app:${scope}"`;
    sendJson(response, 401, registryError("UNAUTHORIZED", "authentication required"), {
      "www-authenticate": challenge,
    });
  });
  return registry;
}

function open({ host }: ScriptedRegistry, auths: Record<string, unknown> = {}) {
  const env = { DOCKER_AUTH_CONFIG: JSON.stringify({ auths }), HOME: "/nonexistent" };
  const { target, ...rest } = openForTest(host, { repository: "app", env, retries: 1 });
  return { repository: target, ...rest };
}

const tokenRequests = (registry: ScriptedRegistry) => registry.seen.filter(({ path }) => path === "/token");

describe("a bearer token", () => {
  test("is fetched once for requests at the same time, and kept for later ones", async () => {
    const registry = await start();
    const { repository } = open(registry);
    const asking = Array.from({ length: 8 }, () => repository.exists(descriptor, unstoppable));
    expect(await Promise.all(asking)).toEqual(Array(8).fill(true));
    expect(await repository.exists(descriptor, unstoppable)).toBe(true);
    expect(tokenRequests(registry)).toHaveLength(1);
    expect(countOf(registry, "HEAD")).toBe(8 + 8 + 1);
  });

  test("is asked for anonymously without credentials, with Basic and the scope with them", async () => {
    const registry = await start();
    await open(registry).repository.exists(descriptor, unstoppable);
    await open(registry, { [registry.host]: { auth: base64("me:sec:ret") } }).repository.exists(
      descriptor,
      unstoppable,
    );
    const [anonymous, known] = tokenRequests(registry);
    expect(anonymous?.headers.authorization).toBeUndefined();
    expect(known?.headers.authorization).toBe(`Basic ${base64("me:sec:ret")}`);
    expect(known?.query.get("service")).toBe("registry");
    expect(known?.query.getAll("scope")).toEqual(["repository:app:pull"]);
  });

  test("that is refused is replaced once, and the request sent again", async () => {
    const registry = await start({
      accepts: (token) => token !== "token-1" || countOf(registry, "HEAD") < 3,
    });
    const { repository } = open(registry);
    expect(await repository.exists(descriptor, unstoppable)).toBe(true);
    expect(await repository.exists(descriptor, unstoppable)).toBe(true);
    expect(tokenRequests(registry)).toHaveLength(2);
  });

  test("that is refused a minute after it was fetched is replaced, though no other request has used it", async () => {
    const registry = await start({
      accepts: (token) => {
        if (token !== "token-1") return true;
        vi.advanceTimersByTime(60_001);
        return false;
      },
    });
    vi.useFakeTimers({ toFake: ["performance"] });
    onTestFinished(() => void vi.useRealTimers());
    expect(await open(registry).repository.exists(descriptor, unstoppable)).toBe(true);
    expect(tokenRequests(registry)).toHaveLength(2);
  });

  test("that is refused though it is fresh is not asked for again", async () => {
    const registry = await start({ accepts: () => false });
    await expect(open(registry).repository.exists(descriptor, unstoppable)).rejects.toMatchObject({
      code: "UNAUTHORIZED",
      hint: expect.stringContaining(`compose-image login ${registry.host}`),
    });
    expect(tokenRequests(registry)).toHaveLength(1);
  });

  test("is asked for with the scope that the challenge names beyond the request's", async () => {
    const registry = await start({
      challenge: () =>
        `Bearer realm="http://${registry.host}/token",scope="repository:app:pull repository:other:pull"`,
    });
    await open(registry).repository.exists(descriptor, unstoppable);
    expect(tokenRequests(registry)[0]?.query.getAll("scope")).toEqual([
      "repository:app:pull",
      "repository:other:pull",
    ]);
  });

  test("for a mount may pull from the source and push to the target", async () => {
    const registry = await start();
    await open(registry).repository.mount(
      descriptor,
      { registry: registry.host, repository: "source" },
      unstoppable,
    );
    expect(tokenRequests(registry)[0]?.query.getAll("scope")).toEqual([
      "repository:app:pull,push",
      "repository:source:pull",
    ]);
  });

  test("may come as access_token; an answer without any is an error", async () => {
    const other = await start({ token: (_, response) => sendJson(response, 200, { access_token: "t" }) });
    expect(await open(other).repository.exists(descriptor, unstoppable)).toBe(true);
    const none = await start({ token: (_, response) => sendJson(response, 200, { expires_in: 1 }) });
    await expect(open(none).repository.exists(descriptor, unstoppable)).rejects.toThrow(
      /answered without a token/,
    );
  });

  test("is given up by a caller that is aborted, not by the others waiting for it", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const registry = await start({
      token: async (_, response) => {
        await promise;
        sendJson(response, 200, { token: "t" });
      },
    });
    const { repository } = open(registry);
    const controller = new AbortController();
    const reason = new Error("interrupted");
    const leaving = repository.exists(descriptor, { signal: controller.signal });
    const staying = repository.exists(descriptor, unstoppable);
    await expect.poll(() => tokenRequests(registry).length).toBe(1);
    controller.abort(reason);
    await expect(leaving).rejects.toBe(reason);
    resolve();
    expect(await staying).toBe(true);
  });
});

describe("an identity token", () => {
  const refreshToken = secret("refresh-word");
  const identity = (registry: ScriptedRegistry) => ({
    [registry.host]: { auth: base64("me:"), identitytoken: refreshToken },
  });

  test("is exchanged by POST", async () => {
    const registry = await start({ token: (_, response) => sendJson(response, 200, { access_token: "t" }) });
    expect(await open(registry, identity(registry)).repository.exists(descriptor, unstoppable)).toBe(true);
    const [request] = tokenRequests(registry);
    const form = new URLSearchParams(request?.body.toString());
    expect([request?.method, form.get("grant_type"), form.get("refresh_token"), form.get("scope")]).toEqual([
      "POST",
      "refresh_token",
      refreshToken,
      "repository:app:pull",
    ]);
  });

  test.each([400, 401, 404, 405])("is exchanged by GET when POST is answered with %i", async (status) => {
    const token: Script = (request, response) =>
      request.method === "POST" ? response.writeHead(status).end() : sendJson(response, 200, { token: "t" });
    const registry = await start({ token });
    expect(await open(registry, identity(registry)).repository.exists(descriptor, unstoppable)).toBe(true);
    expect(tokenRequests(registry).at(-1)?.headers.authorization).toBe(
      `Basic ${base64(`me:${refreshToken}`)}`,
    );
  });
});

test("a registry token is sent as it is", async () => {
  const registrytoken = secret("as-it-is");
  const registry = await start({ accepts: (token) => token === registrytoken });
  const auths = { [registry.host]: { registrytoken } };
  expect(await open(registry, auths).repository.exists(descriptor, unstoppable)).toBe(true);
  expect(tokenRequests(registry)).toHaveLength(0);
});

describe("Basic authentication", () => {
  const password = secret("right-word");
  const wrong = secret("wrong-word");
  const basic: Script = (request, response) => {
    if (request.headers.authorization === `Basic ${base64(`me:${password}`)}`)
      return response.writeHead(200).end();
    response.writeHead(401, { "www-authenticate": 'Negotiate, Basic realm="r"' }).end();
  };
  const startBasic = async () => {
    const registry = await startForTest(basic);
    return registry;
  };

  test("is used when the registry asks for it, and at once from then on", async () => {
    const registry = await startBasic();
    const { repository } = open(registry, { [registry.host]: { username: "me", password } });
    await repository.exists(descriptor, unstoppable);
    await repository.exists(descriptor, unstoppable);
    expect(registry.seen.map(({ headers }) => headers.authorization !== undefined)).toEqual([
      false,
      true,
      true,
    ]);
  });

  test("with wrong credentials is refused after one try, naming where they are from", async () => {
    const registry = await startBasic();
    const { repository, events } = open(registry, {
      [registry.host]: { username: "me", password: wrong },
    });
    const failure = await repository.exists(descriptor, unstoppable).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: "UNAUTHORIZED",
      message: expect.stringMatching(/^target /),
      hint: expect.stringContaining("DOCKER_AUTH_CONFIG"),
    });
    expect(registry.seen).toHaveLength(2);
    expectNoSecrets(JSON.stringify([failure, events]), "a failure");
  });

  test("without credentials is refused with a hint to log in", async () => {
    const registry = await startBasic();
    await expect(open(registry).repository.exists(descriptor, unstoppable)).rejects.toMatchObject({
      code: "UNAUTHORIZED",
      hint: expect.stringContaining("docker login"),
    });
  });
});

test("a challenge nobody knows is named", async () => {
  const registry = await start({ challenge: () => "Negotiate" });
  await expect(open(registry).repository.exists(descriptor, unstoppable)).rejects.toThrow(
    /negotiate authentication/,
  );
});

test("a bearer challenge without realm is a clear error", async () => {
  const registry = await start({ challenge: () => 'Bearer service="registry"' });
  await expect(open(registry).repository.exists(descriptor, unstoppable)).rejects.toThrow(/names no realm/);
});

test("credentials that the token server refuses are an error, not anonymous access", async () => {
  const refuse = (_: unknown, response: ServerResponse) =>
    sendJson(response, 401, { details: "incorrect username or password" });
  const registry = await start({ token: refuse });
  const { repository } = open(registry, { [registry.host]: { username: "me", password: "x" } });
  await expect(repository.exists(descriptor, unstoppable)).rejects.toMatchObject({
    code: "UNAUTHORIZED",
    message: expect.stringContaining("401 incorrect username or password"),
  });
  expect(tokenRequests(registry)).toHaveLength(1);
});

test("403 means denied, without another try", async () => {
  const registry = await startForTest((_, response) =>
    sendJson(response, 403, registryError("DENIED", "requested access is denied")),
  );
  await expect(open(registry).repository.manifest({ tag: "1" }, unstoppable)).rejects.toMatchObject({
    code: "DENIED",
    message: expect.stringMatching(/^target .*\/app:1: .* answered 403 DENIED requested access is denied$/),
  });
  expect(registry.seen).toHaveLength(1);
});

test.each([
  [404, "created first"],
  [413, "limits the size of uploads"],
])("a write answered with %i has a hint that says more", async (status, hint) => {
  const registry = await startForTest((_, response) => response.writeHead(status).end());
  const { target } = openForTest(registry.host, { repository: "app", retries: 0 });
  await expect(target.push(descriptor, async () => content(), unstoppable)).rejects.toMatchObject({
    code: "REGISTRY_REJECTED",
    hint: expect.stringContaining(hint),
  });
});

async function* content(): AsyncGenerator<Uint8Array> {
  yield sampleBlob(10).bytes;
}
