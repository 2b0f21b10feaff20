import { describe, expect, test } from "vitest";
import { unstoppable } from "../../../src/io/call.ts";
import { digestOf } from "../../../src/model/digest.ts";
import { mediaTypes } from "../../../src/model/media-types.ts";
import type { StoredManifest } from "../../../src/store/source.ts";
import type { Target } from "../../../src/store/target.ts";
import { openForTest, startForTest } from "./open-for-test.ts";
import { registryError, type Script, type ScriptedRegistry, sendJson } from "./scripted-registry.ts";

const start = startForTest;
const open = ({ host }: ScriptedRegistry) =>
  openForTest(host, { repository: "app", side: "base", retries: 1 }).target;

const bytes = Buffer.from(`{"schemaVersion":2,"mediaType":"${mediaTypes.oci.manifest}","layers":[]}`);
const digest = digestOf(bytes);
const other = digestOf(Buffer.from("other"));
const headers = { "content-type": mediaTypes.oci.manifest, "docker-content-digest": digest };
const manifest: StoredManifest = {
  descriptor: { mediaType: mediaTypes.oci.manifest, digest, size: bytes.byteLength },
  bytes,
};
const methods = (registry: ScriptedRegistry) => registry.seen.map(({ method }) => method);

describe("resolving", () => {
  test("takes one HEAD when that tells everything", async () => {
    const registry = await start((_, response) =>
      response.writeHead(200, { ...headers, "content-length": bytes.byteLength }).end(),
    );
    expect(await open(registry).resolve({ tag: "1" }, unstoppable)).toEqual(manifest.descriptor);
    expect(methods(registry)).toEqual(["HEAD"]);
    expect(registry.seen[0]?.headers.accept).toContain(mediaTypes.oci.index);
    expect(registry.seen[0]?.headers.accept).toContain(mediaTypes.docker.manifest);
  });

  test.each<[string, Script]>([
    ["tells no digest", (_, r) => r.writeHead(200, { ...headers, "docker-content-digest": "" }).end()],
    ["tells no length", (_, r) => r.writeHead(200, headers).end()],
    [
      "tells no manifest's type",
      (_, r) => r.writeHead(200, { ...headers, "content-type": "text/plain" }).end(),
    ],
    ["is not allowed", (_, r) => r.writeHead(405).end()],
  ])("gets and hashes the manifest when HEAD %s", async (_, head) => {
    const registry = await start((request, response) =>
      request.method === "HEAD"
        ? head(request, response)
        : response.writeHead(200, { "content-type": mediaTypes.oci.manifest }).end(bytes),
    );
    expect(await open(registry).resolve({ tag: "1" }, unstoppable)).toEqual(manifest.descriptor);
  });

  test("finds that a tag or a manifest is not there where HEAD is not allowed", async () => {
    const registry = await start((request, response) =>
      request.method === "HEAD"
        ? response.writeHead(405).end()
        : sendJson(response, 404, registryError("MANIFEST_UNKNOWN", "no such tag")),
    );
    expect(await open(registry).find("1", unstoppable)).toBeUndefined();
    expect(await open(registry).exists(manifest.descriptor, unstoppable)).toBe(false);
  });

  test("by digest refuses a registry that names another digest", async () => {
    const registry = await start((_, response) =>
      response.writeHead(200, { ...headers, "content-length": bytes.byteLength }).end(),
    );
    await expect(open(registry).resolve({ digest: other }, unstoppable)).rejects.toMatchObject({
      code: "DIGEST_MISMATCH",
      message: expect.stringContaining(`base ${registry.host}/app@${other}`),
    });
  });
});

describe("getting a manifest", () => {
  test("keeps its very bytes", async () => {
    const registry = await start((_, response) => response.writeHead(200, headers).end(bytes));
    const found = await open(registry).manifest({ tag: "1" }, unstoppable);
    expect(Buffer.from(found.bytes)).toEqual(bytes);
    expect(found.descriptor).toEqual(manifest.descriptor);
  });

  test.each([
    ["the selector", { digest: other }, { "content-type": mediaTypes.oci.manifest }],
    ["the registry", { tag: "1" }, { ...headers, "docker-content-digest": other }],
  ])("refuses bytes of another digest than %s says", async (_, selector, sent) => {
    const registry = await start((__, response) => response.writeHead(200, sent).end(bytes));
    await expect(open(registry).manifest(selector, unstoppable)).rejects.toMatchObject({
      code: "DIGEST_MISMATCH",
    });
  });

  test("takes the type from the document when the header has none that is a manifest's", async () => {
    const registry = await start((_, response) =>
      response.writeHead(200, { "content-type": "text/plain" }).end(bytes),
    );
    const found = await open(registry).manifest({ tag: "1" }, unstoppable);
    expect(found.descriptor.mediaType).toBe(mediaTypes.oci.manifest);
  });

  test("refuses an HTML page that comes with 200", async () => {
    const registry = await start((_, response) =>
      response.writeHead(200, { "content-type": "text/html" }).end("<title>Log in</title>"),
    );
    await expect(open(registry).manifest({ tag: "1" }, unstoppable)).rejects.toMatchObject({
      code: "MANIFEST_INVALID",
      message: expect.stringContaining("text/html"),
    });
  });

  test.each([true, false])("refuses more than 4 MiB, its length told: %s", async (told) => {
    const large = Buffer.alloc(4 * 1024 * 1024 + 1, " ");
    const registry = await start((_, response) => {
      response.writeHead(200, { ...headers, ...(told && { "content-length": large.byteLength }) });
      response.end(large);
    });
    await expect(open(registry).manifest({ tag: "1" }, unstoppable)).rejects.toMatchObject({
      code: "LIMIT_EXCEEDED",
      message: expect.stringContaining("4194304"),
    });
  });

  test("that is not there says what the registry said", async () => {
    const registry = await start((_, response) =>
      sendJson(response, 404, registryError("MANIFEST_UNKNOWN", "no such tag")),
    );
    await expect(open(registry).resolve({ tag: "1" }, unstoppable)).rejects.toMatchObject({
      code: "MANIFEST_NOT_FOUND",
      message: expect.stringContaining("404 MANIFEST_UNKNOWN no such tag"),
    });
  });
});

describe("writing", () => {
  test("by digest and by tag puts the very bytes with their type", async () => {
    const registry = await start((_, response) => response.writeHead(201).end());
    const target = open(registry);
    await target.pushManifest(manifest, unstoppable);
    await target.tag(manifest, "v1", unstoppable);
    expect(registry.seen.map(({ path }) => path)).toEqual([
      `/v2/app/manifests/${digest}`,
      "/v2/app/manifests/v1",
    ]);
    for (const { body, headers: sent } of registry.seen) {
      expect(body).toEqual(bytes);
      expect(sent["content-type"]).toBe(mediaTypes.oci.manifest);
    }
  });

  test("a manifest whose blobs are missing is rejected in the registry's words", async () => {
    const registry = await start((_, response) =>
      sendJson(response, 404, registryError("MANIFEST_BLOB_UNKNOWN", "blob unknown", { digest: other })),
    );
    await expect(open(registry).pushManifest(manifest, unstoppable)).rejects.toMatchObject({
      code: "BLOB_UNKNOWN",
      message: expect.stringContaining(`MANIFEST_BLOB_UNKNOWN blob unknown ({"digest":"${other}"})`),
    });
  });

  const index: StoredManifest = {
    ...manifest,
    descriptor: { ...manifest.descriptor, mediaType: mediaTypes.oci.index },
  };

  test.each<[string, (target: Target) => Promise<void>]>([
    ["an index", (target) => target.pushManifest(index, unstoppable)],
    ["a tag", (target) => target.tag(manifest, "v1", unstoppable)],
  ])("%s is written again when the registry for a moment does not know what is there", async (_, write) => {
    const registry = await start((_, response) =>
      registry.seen.length === 1
        ? sendJson(response, 400, registryError("MANIFEST_BLOB_UNKNOWN", "blob unknown", { digest: other }))
        : response.writeHead(201).end(),
    );
    await write(open(registry));
    expect(methods(registry)).toEqual(["PUT", "PUT"]);
  });

  test("a registry that stores it under another digest is not believed", async () => {
    const registry = await start((_, response) =>
      response.writeHead(201, { "docker-content-digest": other }).end(),
    );
    await expect(open(registry).pushManifest(manifest, unstoppable)).rejects.toMatchObject({
      code: "DIGEST_MISMATCH",
    });
  });

  test("a tag that must not move is success when it is there already with this digest, else an error", async () => {
    for (const [present, succeeds] of [
      [digest, true],
      [other, false],
    ] as const) {
      const registry = await start((request, response) => {
        if (request.method === "PUT")
          return sendJson(response, 409, registryError("TAG_IMMUTABLE", "immutable"));
        const sent = { ...headers, "docker-content-digest": present, "content-length": bytes.byteLength };
        return response.writeHead(200, sent).end();
      });
      const tagging = open(registry).tag(manifest, "v1", unstoppable);
      if (succeeds) await tagging;
      else
        await expect(tagging).rejects.toMatchObject({
          code: "REGISTRY_REJECTED",
          message: expect.stringContaining("TAG_IMMUTABLE"),
        });
    }
  });

  test("an error's body of any size is read only so far", async () => {
    const registry = await start((_, response) => {
      response.writeHead(400, { "content-type": "text/plain" });
      const more = (): void => {
        while (response.write("no ".repeat(10_000)));
        response.once("drain", more);
      };
      more();
    });
    await expect(open(registry).pushManifest(manifest, unstoppable)).rejects.toMatchObject({
      code: "REGISTRY_REJECTED",
      message: expect.stringMatching(/400 no no no/),
    });
  });
});
