import { randomUUID } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { unstoppable } from "../../../src/io/call.ts";
import { type RunningRegistry, startRegistry } from "../../../src/server/start-registry.ts";
import { RegistryClient } from "../../../src/store/registry/client.ts";
import { describeReferrerContract } from "../../contract/referrer-contract.ts";
import { describeStoreContract } from "../../contract/store-contract.ts";
import { startDockerRegistry } from "../../support/docker-registry.ts";
import type { Registry } from "../../support/registry.ts";

const hasDockerRegistry = (process.env.PATH ?? "").split(delimiter).some((directory) => {
  try {
    accessSync(join(directory, "docker-registry"), constants.X_OK);
    return true;
  } catch {
    return false;
  }
});

function openRepositoryOf(host: () => string) {
  return async () => {
    const client = new RegistryClient({ env: {}, retries: 1 });
    return {
      target: client.repository(host(), `contract/${randomUUID()}`, "target"),
      close: () => client.close(),
    };
  };
}

describe.skipIf(!hasDockerRegistry)("needs docker-registry", () => {
  let registry: Registry;
  beforeAll(async () => {
    registry = await startDockerRegistry();
  });
  afterAll(() => registry.stop());
  for (const describeContract of [describeStoreContract, describeReferrerContract]) {
    describeContract(
      "a repository of docker-registry",
      openRepositoryOf(() => registry.host),
    );
  }
});

describe("the embedded registry", () => {
  let registry: RunningRegistry;
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "compose-image-contract-"));
    registry = await startRegistry({ directory, writable: true, host: "127.0.0.1", port: 0 }, unstoppable);
  });
  afterAll(async () => {
    await registry.close();
    await rm(directory, { recursive: true, force: true });
  });
  for (const describeContract of [describeStoreContract, describeReferrerContract]) {
    describeContract(
      "a repository of the embedded registry",
      openRepositoryOf(() => `${registry.host}:${registry.port}`),
    );
  }
});
