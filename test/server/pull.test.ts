import { randomBytes } from "node:crypto";
import { rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { digestOf } from "../../src/model/digest.ts";
import { openLayout } from "../../src/store/layout/open-layout.ts";
import { indexOf, pushTinyImage, tinyImage } from "../store/layout/tiny-image.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { errorCode, testRegistry } from "./registry-client.ts";

describe("GET /v2/", () => {
  it("says which API it is", async () => {
    const { ask } = await testRegistry();
    const response = await ask("GET", "/v2/");
    expect(response.status).toBe(200);
    expect(response.headers.get("docker-distribution-api-version")).toBe("registry/2.0");
    expect((await ask("HEAD", "/v2/")).status).toBe(200);
  });
});

describe("pulling manifests", () => {
  it("gives the very bytes by tag and by digest, with their type and digest", async () => {
    const registry = await testRegistry();
    const image = await tinyImage("one");
    await registry.pushImage("team/app", image, "1.0");
    const { digest, mediaType, size } = image.manifest.descriptor;
    for (const reference of ["1.0", digest, digest.replace(":", "%3A")]) {
      for (const method of ["GET", "HEAD"]) {
        const response = await registry.ask(method, `team/app/manifests/${reference}`);
        expect(response.status).toBe(200);
        expect(response.headers.get("content-type")).toBe(mediaType);
        expect(response.headers.get("docker-content-digest")).toBe(digest);
        expect(response.headers.get("content-length")).toBe(String(size));
        const body = Buffer.from(await response.arrayBuffer());
        expect(body).toEqual(method === "GET" ? Buffer.from(image.manifest.bytes) : Buffer.alloc(0));
      }
    }
  });

  it("answers 404 for what is not there", async () => {
    const registry = await testRegistry();
    await registry.pushImage("app", await tinyImage("one"), "1.0");
    const absent = digestOf(Buffer.from("absent"));
    for (const path of [
      "app/manifests/2.0",
      `app/manifests/${absent}`,
      "other/manifests/1.0",
      "app/manifests/.bad",
    ]) {
      const response = await registry.ask("GET", path);
      expect(response.status).toBe(404);
      expect(await errorCode(response)).toBe("MANIFEST_UNKNOWN");
      expect((await registry.ask("HEAD", path)).status).toBe(404);
    }
  });

  it("shows no manifest of another repository", async () => {
    const registry = await testRegistry();
    const image = await tinyImage("one");
    await registry.pushImage("one", image, "1.0");
    await registry.pushImage("two", await tinyImage("two"), "1.0");
    expect((await registry.ask("GET", `two/manifests/${image.manifest.descriptor.digest}`)).status).toBe(404);
  });

  it("answers 500 without naming any file when the layout is damaged", async () => {
    const faults: unknown[] = [];
    const registry = await testRegistry({ onRequest: (event) => faults.push(event.fault) });
    await registry.pushImage("app", await tinyImage("one"), "1.0");
    await writeFile(join(registry.directory, "index.json"), "{");
    const response = await registry.ask("GET", "app/manifests/1.0");
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain(registry.directory);
    expect(faults.at(-1)).toMatchObject({ code: "LAYOUT_INVALID" });
  });
});

describe("pulling blobs", () => {
  async function withBlob(size: number) {
    const registry = await testRegistry();
    const bytes = randomBytes(size);
    await registry.pushBlob("app", bytes);
    const path = `app/blobs/${digestOf(bytes)}`;
    const range = (value: string, headers = {}) =>
      registry.ask("GET", path, { headers: { Range: value, ...headers } });
    return { registry, bytes, path, range };
  }

  it("gives the bytes, and to HEAD their size", async () => {
    const { registry, bytes, path } = await withBlob(700_000);
    const response = await registry.ask("GET", path);
    expect(response.status).toBe(200);
    expect(response.headers.get("docker-content-digest")).toBe(digestOf(bytes));
    expect(response.headers.get("accept-ranges")).toBe("bytes");
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes);
    const head = await registry.ask("HEAD", path, { headers: { Range: "bytes=0-9" } });
    expect(head.status).toBe(200);
    expect(head.headers.get("content-length")).toBe("700000");
  });

  it.each([
    ["bytes=0-0", 0, 0],
    ["bytes=10-19", 10, 19],
    ["bytes=990-", 990, 999],
    ["bytes=990-5000", 990, 999],
    ["bytes=-10", 990, 999],
    ["bytes=-5000", 0, 999],
  ])("answers %s with 206 and exactly that", async (header, start, end) => {
    const { bytes, range } = await withBlob(1000);
    const response = await range(header);
    expect(response.status).toBe(206);
    expect(response.headers.get("content-range")).toBe(`bytes ${start}-${end}/1000`);
    expect(response.headers.get("content-length")).toBe(String(end + 1 - start));
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes.subarray(start, end + 1));
  });

  it.each(["bytes=1000-", "bytes=1000-1001", "bytes=-0"])(
    "answers %s with 416 and the size",
    async (header) => {
      const { range } = await withBlob(1000);
      const response = await range(header);
      expect(response.status).toBe(416);
      expect(response.headers.get("content-range")).toBe("bytes */1000");
    },
  );

  it.each(["bytes=5-2", "bytes=a-b", "bytes=-", "items=0-1", "bytes=0-1,5-6"])(
    "answers %s with the whole blob",
    async (header) => {
      const { bytes, range } = await withBlob(1000);
      const response = await range(header);
      expect(response.status).toBe(200);
      expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes);
    },
  );

  it("answers a conditional range with the whole blob, as it gives no entity tags", async () => {
    const { range } = await withBlob(1000);
    expect((await range("bytes=0-1", { "If-Range": '"x"' })).status).toBe(200);
  });

  it("serves an empty blob", async () => {
    const { registry, path } = await withBlob(0);
    const response = await registry.ask("GET", path);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-length")).toBe("0");
  });

  it("shows no blob of another repository, and no malformed digest", async () => {
    const { registry, path } = await withBlob(1000);
    await registry.pushImage("other", await tinyImage("one"), "1.0");
    const response = await registry.ask("GET", path.replace("app", "other"));
    expect(response.status).toBe(404);
    expect(await errorCode(response)).toBe("BLOB_UNKNOWN");
    const malformed = await registry.ask("GET", "app/blobs/sha256:..%2F..%2Findex.json");
    expect(malformed.status).toBe(404);
    expect((await registry.ask("GET", "app/blobs/sha256:abc")).status).toBe(400);
  });

  it("serves many at once, each to its end", async () => {
    const { registry, bytes, path } = await withBlob(2 * 1024 * 1024);
    const digests = await Promise.all(
      Array.from({ length: 64 }, async () =>
        digestOf(Buffer.from(await (await registry.ask("GET", path)).arrayBuffer())),
      ),
    );
    expect(new Set(digests)).toEqual(new Set([digestOf(bytes)]));
  });

  it("cuts the connection when a blob shrinks while it is sent", async () => {
    const { registry, bytes, path } = await withBlob(40 * 1024 * 1024);
    const response = await registry.ask("GET", path);
    await truncate(join(registry.directory, "blobs", digestOf(bytes).replace(":", "/")), 1024 * 1024);
    await expect(response.arrayBuffer()).rejects.toThrow();
  });

  it("does not follow a symlink out of the layout", async () => {
    const registry = await testRegistry();
    const image = await tinyImage("one");
    await registry.pushImage("app", image, "1.0");
    const { digest } = image.layer.descriptor;
    const path = join(registry.directory, "blobs", digest.replace(":", "/"));
    const secret = join(await temporaryDirectory("secret"), "secret");
    await writeFile(secret, "password");
    await rm(path);
    await symlink(secret, path);
    expect((await registry.ask("GET", `app/blobs/${digest}`)).status).toBe(404);
  });
});

describe("paths that are no endpoint", () => {
  it.each([
    ["/", 404],
    ["/v1/", 404],
    ["/v2/app", 404],
    ["/v2/app/tags/other", 404],
    ["/v2/app/manifests/", 404],
    ["/v2/UPPER/manifests/latest", 400],
    ["/v2/a%2F..%2F..%2Fetc/manifests/latest", 400],
    ["/v2/%ff/manifests/latest", 400],
    [`/v2/${"a".repeat(256)}/manifests/latest`, 400],
  ])("%s is answered with %i and an error document", async (path, status) => {
    const { ask } = await testRegistry();
    const response = await ask("GET", path);
    expect(response.status).toBe(status);
    expect(await errorCode(response)).toMatch(/^(NAME|MANIFEST)_/);
  });
});

describe("a read-only registry", () => {
  it("serves a layout that other tools wrote, under the directory's name", async () => {
    const directory = join(await temporaryDirectory("layout"), "My App");
    const layout = await openLayout(directory, { create: true }, unstoppable);
    const image = await tinyImage("one");
    await pushTinyImage(layout, image);
    await layout.tag(indexOf(image.manifest), "latest", unstoppable);
    await layout.tag(image.manifest, "other/app:1", unstoppable);
    const { ask } = await testRegistry({ directory, writable: false });
    expect(await (await ask("GET", "_catalog")).json()).toEqual({ repositories: ["my-app", "other/app"] });
    expect((await ask("GET", "my-app/manifests/latest")).status).toBe(200);
    expect((await ask("GET", `my-app/manifests/${image.manifest.descriptor.digest}`)).status).toBe(200);
    expect((await ask("GET", `my-app/blobs/${image.layer.descriptor.digest}`)).status).toBe(200);
    expect((await ask("GET", "other/app/manifests/1")).status).toBe(200);
  });

  it.each([
    ["PUT", "app/manifests/latest"],
    ["DELETE", "app/manifests/latest"],
    ["POST", "app/blobs/uploads/"],
    ["PATCH", "app/blobs/uploads/00000000-0000-0000-0000-000000000000"],
    ["DELETE", `app/blobs/${digestOf(Buffer.from(""))}`],
  ])("refuses %s %s", async (method, path) => {
    const { ask } = await testRegistry({ writable: false });
    const response = await ask(method, path);
    expect(response.status).toBe(405);
    expect(await errorCode(response)).toBe("UNSUPPORTED");
  });

  it("sees a tag that another process moves meanwhile", async () => {
    const directory = join(await temporaryDirectory("layout"), "app");
    const layout = await openLayout(directory, { create: true }, unstoppable);
    const { ask } = await testRegistry({ directory, writable: false });
    for (const text of ["one", "two"]) {
      const image = await tinyImage(text);
      await pushTinyImage(layout, image);
      await layout.tag(image.manifest, "latest", unstoppable);
      const response = await ask("HEAD", "app/manifests/latest");
      expect(response.headers.get("docker-content-digest")).toBe(image.manifest.descriptor.digest);
      expect((await ask("HEAD", `app/blobs/${image.layer.descriptor.digest}`)).status).toBe(200);
    }
  });
});
