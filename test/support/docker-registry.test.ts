import { afterEach, expect, test } from "vitest";
import { registryAccount, startDockerRegistry } from "./docker-registry.ts";
import type { Registry } from "./registry.ts";
import { describeWith } from "./tools.ts";

describeWith(["docker-registry"], "docker-registry", () => {
  let registry: Registry | undefined;
  afterEach(() => registry?.stop());

  test("answers on a port of its own until it is stopped", async () => {
    registry = await startDockerRegistry();
    expect((await fetch(`${registry.url}/v2/`)).status).toBe(200);
    await registry.stop();
    await expect(fetch(`${registry.url}/v2/`)).rejects.toThrow();
  });

  test("asks for the account when it is started with one", async () => {
    registry = await startDockerRegistry({ authenticated: true });
    const { username, password } = registryAccount;
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    expect((await fetch(`${registry.url}/v2/`)).status).toBe(401);
    expect((await fetch(`${registry.url}/v2/`, { headers: { authorization } })).status).toBe(200);
  });
});
