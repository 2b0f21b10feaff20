import { randomBytes } from "node:crypto";
import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { digestOf } from "../../src/model/digest.ts";
import { encodeJson } from "../../src/model/manifest.ts";
import { mediaTypes } from "../../src/model/media-types.ts";
import { blob, indexOf, tinyImage } from "../store/layout/tiny-image.ts";
import { errorCode, type TestRegistry, testRegistry } from "./registry-client.ts";

const layoutFiles = ["blobs", "index.json", "oci-layout"];
const filesOf = async (registry: TestRegistry) => (await readdir(registry.directory)).sort();

async function startSession(registry: TestRegistry): Promise<string> {
  const response = await registry.ask("POST", "app/blobs/uploads/");
  expect(response.status).toBe(202);
  expect(response.headers.get("range")).toBe("0-0");
  return response.headers.get("location") ?? "";
}

/** Sends the beginning of a body and then breaks the connection; resolves once the server has taken it. */
async function breakOff(
  url: URL,
  method: string,
  bytes: Buffer,
  taken: () => Promise<boolean>,
): Promise<void> {
  const outgoing = request(url, { method, headers: { "Content-Length": bytes.byteLength + 1 } });
  outgoing.on("error", () => {});
  outgoing.write(bytes);
  while (!(await taken())) await new Promise((resolve) => setTimeout(resolve, 5));
  outgoing.destroy();
}

describe("uploading a blob", () => {
  it("works in one POST", async () => {
    const registry = await testRegistry();
    const bytes = randomBytes(100_000);
    const digest = digestOf(bytes);
    const response = await registry.ask("POST", `app/blobs/uploads/?digest=${digest}`, { body: bytes });
    expect(response.status).toBe(201);
    expect(response.headers.get("location")).toBe(`/v2/app/blobs/${digest}`);
    expect(response.headers.get("docker-content-digest")).toBe(digest);
    const pulled = await registry.ask("GET", `/v2/app/blobs/${digest}`);
    expect(Buffer.from(await pulled.arrayBuffer())).toEqual(bytes);
  });

  it("works in a POST and a PUT with the whole", async () => {
    const registry = await testRegistry();
    const bytes = randomBytes(100_000);
    const location = await startSession(registry);
    const response = await registry.ask("PUT", `${location}?digest=${digestOf(bytes)}`, { body: bytes });
    expect(response.status).toBe(201);
    expect((await registry.ask("HEAD", `app/blobs/${digestOf(bytes)}`)).status).toBe(200);
    expect((await registry.ask("PUT", `${location}?digest=${digestOf(bytes)}`)).status).toBe(404);
  });

  it("works in chunks, whose last may come with the PUT, and tells how far it is", async () => {
    const registry = await testRegistry();
    const bytes = randomBytes(3000);
    for (const lastWithPut of [true, false]) {
      const location = await startSession(registry);
      const end = lastWithPut ? 2000 : 3000;
      for (let at = 0; at < end; at += 1000) {
        const chunk = await registry.ask("PATCH", location, {
          body: bytes.subarray(at, at + 1000),
          headers: { "Content-Range": `${at}-${at + 999}` },
        });
        expect(chunk.status).toBe(202);
        expect(chunk.headers.get("range")).toBe(`0-${at + 999}`);
        expect(chunk.headers.get("location")).toBe(location);
      }
      const status = await registry.ask("GET", location);
      expect([status.status, status.headers.get("range")]).toEqual([204, `0-${end - 1}`]);
      const done = await registry.ask("PUT", `${location}?digest=${digestOf(bytes)}`, {
        ...(lastWithPut && { body: bytes.subarray(2000), headers: { "Content-Range": "2000-2999" } }),
      });
      expect(done.status).toBe(201);
    }
    expect(await filesOf(registry)).toEqual(layoutFiles);
  });

  it("takes a blob under its sha512 digest too", async () => {
    const registry = await testRegistry();
    const bytes = randomBytes(1000);
    const digest = digestOf(bytes, "sha512");
    const location = await startSession(registry);
    expect((await registry.ask("PUT", `${location}?digest=${digest}`, { body: bytes })).status).toBe(201);
    expect((await registry.ask("GET", `app/blobs/${digest}`)).status).toBe(200);
  });

  it("refuses a chunk out of order with 416, and goes on from where it was", async () => {
    const registry = await testRegistry();
    const bytes = randomBytes(2000);
    const location = await startSession(registry);
    const patch = (start: number) =>
      registry.ask("PATCH", location, {
        body: bytes.subarray(start, start + 1000),
        headers: { "Content-Range": `${start}-${start + 999}` },
      });
    expect((await patch(1000)).status).toBe(416);
    expect((await patch(0)).status).toBe(202);
    const again = await patch(0);
    expect([again.status, again.headers.get("range")]).toEqual([416, "0-999"]);
    expect((await patch(1000)).status).toBe(202);
    expect((await registry.ask("PUT", `${location}?digest=${digestOf(bytes)}`)).status).toBe(201);
  });

  it("refuses a Content-Range that is malformed or disagrees with the body", async () => {
    const registry = await testRegistry();
    const location = await startSession(registry);
    for (const range of ["9-0", "all", "0-5"]) {
      const response = await registry.ask("PATCH", location, {
        body: randomBytes(10),
        headers: { "Content-Range": range },
      });
      expect(response.status).toBe(400);
    }
    expect((await registry.ask("GET", location)).headers.get("range")).toBe("0-0");
  });

  it("keeps nothing when the digest is another's", async () => {
    const registry = await testRegistry();
    const digest = digestOf(Buffer.from("another"));
    const posted = await registry.ask("POST", `app/blobs/uploads/?digest=${digest}`, {
      body: randomBytes(1000),
    });
    expect([posted.status, await errorCode(posted)]).toEqual([400, "DIGEST_INVALID"]);
    const location = await startSession(registry);
    const put = await registry.ask("PUT", `${location}?digest=${digest}`, { body: randomBytes(1000) });
    expect([put.status, await errorCode(put)]).toEqual([400, "DIGEST_INVALID"]);
    expect((await registry.ask("HEAD", `app/blobs/${digest}`)).status).toBe(404);
    expect(await filesOf(registry)).toEqual(layoutFiles);
  });

  it("asks for a digest at the end", async () => {
    const registry = await testRegistry();
    const location = await startSession(registry);
    const missing = await registry.ask("PUT", location);
    expect([missing.status, await errorCode(missing)]).toEqual([400, "DIGEST_INVALID"]);
  });

  it("removes a cancelled upload", async () => {
    const registry = await testRegistry();
    const location = await startSession(registry);
    await registry.ask("PATCH", location, { body: randomBytes(10) });
    expect(await filesOf(registry)).toHaveLength(4);
    expect((await registry.ask("DELETE", location)).status).toBe(204);
    expect(await filesOf(registry)).toEqual(layoutFiles);
    const gone = await registry.ask("GET", location);
    expect([gone.status, await errorCode(gone)]).toEqual([404, "BLOB_UPLOAD_UNKNOWN"]);
  });

  it("can be cancelled while a request is writing to it, which then leaves nothing", async () => {
    const registry = await testRegistry();
    const location = await startSession(registry);
    const outgoing = request(new URL(location, registry.url), { method: "PATCH" });
    const status = new Promise<number | undefined>((resolve, reject) => {
      outgoing.on("response", (incoming) => resolve(incoming.statusCode)).on("error", reject);
    });
    outgoing.write("begin");
    await expect.poll(() => filesOf(registry)).toHaveLength(layoutFiles.length + 1);
    expect((await registry.ask("DELETE", location)).status).toBe(204);
    expect((await registry.ask("PATCH", location)).status).toBe(404);
    outgoing.end("end");
    expect(await status).toBe(404);
    expect(await filesOf(registry)).toEqual(layoutFiles);
  });

  it("is over when a byte of it could not be written", async () => {
    const registry = await testRegistry();
    const location = await startSession(registry);
    const away = `${registry.directory}-away`;
    await rename(registry.directory, away);
    expect((await registry.ask("PATCH", location, { body: randomBytes(10) })).status).toBe(500);
    await rename(away, registry.directory);
    expect((await registry.ask("PATCH", location, { body: randomBytes(10) })).status).toBe(404);
  });

  it("is tied to its repository", async () => {
    const registry = await testRegistry();
    const location = await startSession(registry);
    expect((await registry.ask("GET", location.replace("/app/", "/other/"))).status).toBe(404);
  });

  it("continues behind a connection that was lost in a PATCH", async () => {
    const registry = await testRegistry();
    const bytes = randomBytes(300_000);
    const location = await startSession(registry);
    const kept = async () => Number((await registry.ask("GET", location)).headers.get("range")?.slice(2)) + 1;
    const half = bytes.subarray(0, 150_000);
    await breakOff(new URL(location, registry.url), "PATCH", half, async () => (await kept()) === 150_000);
    let response: Response;
    do {
      response = await registry.ask("PATCH", location, {
        body: bytes.subarray(150_000),
        headers: { "Content-Range": "150000-299999" },
      });
    } while (response.status === 409);
    expect(response.status).toBe(202);
    expect((await registry.ask("PUT", `${location}?digest=${digestOf(bytes)}`)).status).toBe(201);
  });

  it("leaves nothing of a POST whose connection was lost", async () => {
    const registry = await testRegistry();
    const url = new URL(`/v2/app/blobs/uploads/?digest=${digestOf(Buffer.from("x"))}`, registry.url);
    await breakOff(url, "POST", randomBytes(1000), async () => (await filesOf(registry)).length === 4);
    await expect.poll(() => filesOf(registry)).toEqual(layoutFiles);
  });

  it("is discarded when nobody goes on with it", async () => {
    const registry = await testRegistry({ uploadLifetime: 50 });
    const location = await startSession(registry);
    await registry.ask("PATCH", location, { body: randomBytes(10) });
    await expect.poll(() => filesOf(registry)).toEqual(layoutFiles);
    expect((await registry.ask("GET", location)).status).toBe(404);
  });
});

describe("mounting a blob", () => {
  it("makes it appear without an upload", async () => {
    const registry = await testRegistry();
    const bytes = randomBytes(1000);
    const digest = digestOf(bytes);
    await registry.pushBlob("from/here", bytes);
    const response = await registry.ask("POST", `to/here/blobs/uploads/?mount=${digest}&from=from/here`);
    expect(response.status).toBe(201);
    expect(response.headers.get("location")).toBe(`/v2/to/here/blobs/${digest}`);
    expect((await registry.ask("HEAD", `to/here/blobs/${digest}`)).status).toBe(200);
  });

  it.each(["&from=nobody/has/it", "", "&from=..%2F.."])(
    "starts an upload when it cannot (%s)",
    async (from) => {
      const registry = await testRegistry();
      await registry.pushBlob("somewhere", Buffer.from("x"));
      const digest = digestOf(Buffer.from("x"));
      const response = await registry.ask("POST", `app/blobs/uploads/?mount=${digest}${from}`);
      expect(response.status).toBe(202);
      expect(response.headers.get("location")).toMatch(/^\/v2\/app\/blobs\/uploads\/[0-9a-f-]{36}$/);
      expect((await registry.ask("HEAD", `app/blobs/${digest}`)).status).toBe(404);
    },
  );
});

describe("pushing manifests", () => {
  it("answers with digest and location, and keeps tags of several repositories apart", async () => {
    const registry = await testRegistry();
    const [one, two] = [await tinyImage("one"), await tinyImage("two")];
    await registry.pushImage("one", one, "latest");
    await registry.pushImage("two", two, "latest");
    const again = await registry.pushManifest("one", one.manifest, "latest");
    expect(again.status).toBe(201);
    expect(again.headers.get("docker-content-digest")).toBe(one.manifest.descriptor.digest);
    expect(again.headers.get("location")).toBe(`/v2/one/manifests/${one.manifest.descriptor.digest}`);
    for (const [repository, image] of [["one", one] as const, ["two", two] as const]) {
      const head = await registry.ask("HEAD", `${repository}/manifests/latest`);
      expect(head.headers.get("docker-content-digest")).toBe(image.manifest.descriptor.digest);
    }
    const index = JSON.parse(await readFile(join(registry.directory, "index.json"), "utf8"));
    expect(index.manifests.map((entry: { annotations: unknown }) => entry.annotations)).toEqual([
      { "org.opencontainers.image.ref.name": "one:latest" },
      { "org.opencontainers.image.ref.name": "two:latest" },
    ]);
  });

  it("keeps an image whose tag moved on, by digest", async () => {
    const registry = await testRegistry();
    const [one, two] = [await tinyImage("one"), await tinyImage("two")];
    await registry.pushImage("app", one, "latest");
    await registry.pushImage("app", two, "latest");
    expect((await registry.ask("GET", `app/manifests/${one.manifest.descriptor.digest}`)).status).toBe(200);
    expect((await registry.ask("GET", `app/blobs/${one.layer.descriptor.digest}`)).status).toBe(200);
    expect(await (await registry.ask("GET", "app/tags/list")).json()).toEqual({
      name: "app",
      tags: ["latest"],
    });
  });

  it("names the repository of a manifest pushed by digest in index.json", async () => {
    const registry = await testRegistry();
    const image = await tinyImage("one");
    await registry.pushImage("team/app", image);
    const index = JSON.parse(await readFile(join(registry.directory, "index.json"), "utf8"));
    expect(index.manifests).toEqual([
      { ...image.manifest.descriptor, annotations: { "io.github.compose-image.repository": "team/app" } },
    ]);
    expect(await (await registry.ask("GET", "team/app/tags/list")).json()).toMatchObject({ tags: [] });
    await registry.pushManifest("team/app", image.manifest, "1");
    const tagged = JSON.parse(await readFile(join(registry.directory, "index.json"), "utf8"));
    expect(tagged.manifests).toHaveLength(1);
  });

  it("is refused when blobs are missing from the repository, naming them", async () => {
    const registry = await testRegistry();
    const image = await tinyImage("one");
    await registry.pushImage("elsewhere", image, "1");
    await registry.pushBlob("app", image.config.bytes);
    const response = await registry.pushManifest("app", image.manifest, "1");
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      errors: [{ code: "MANIFEST_BLOB_UNKNOWN", detail: [{ digest: image.layer.descriptor.digest }] }],
    });
    expect((await registry.ask("HEAD", "app/manifests/1")).status).toBe(404);
  });

  it("is refused when an index's children are missing, and taken once they are there", async () => {
    const registry = await testRegistry();
    const image = await tinyImage("one");
    const index = indexOf(image.manifest);
    expect(await errorCode(await registry.pushManifest("app", index, "1"))).toBe("MANIFEST_BLOB_UNKNOWN");
    await registry.pushImage("app", image);
    expect((await registry.pushManifest("app", index, "1")).status).toBe(201);
  });

  it("asks for no foreign layers", async () => {
    const registry = await testRegistry();
    const { config } = await tinyImage("one");
    const foreign = {
      mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
      digest: digestOf(Buffer.from("foreign")),
      size: 7,
      urls: ["https://vendor.example/layer"],
    };
    await registry.pushBlob("app", config.bytes);
    const manifest = blob(
      mediaTypes.docker.manifest,
      encodeJson({
        schemaVersion: 2,
        mediaType: mediaTypes.docker.manifest,
        config: { ...config.descriptor, mediaType: mediaTypes.docker.config } as never,
        layers: [foreign],
      }),
    );
    expect((await registry.pushManifest("app", manifest, "1")).status).toBe(201);
  });

  it.each([
    ["a Content-Type that is no manifest's", "{}", "application/json", 400],
    ["what is not JSON", "{", mediaTypes.oci.manifest, 400],
    [
      "what is manifest and index at once",
      '{"schemaVersion":2,"manifests":[],"layers":[]}',
      mediaTypes.oci.index,
      400,
    ],
    [
      "a type that the document contradicts",
      `{"schemaVersion":2,"mediaType":"${mediaTypes.oci.index}","manifests":[]}`,
      mediaTypes.docker.index,
      400,
    ],
    ["more than 4 MiB", " ".repeat(4 * 1024 * 1024 + 1), mediaTypes.oci.manifest, 413],
  ])("refuses %s", async (_, body, type, status) => {
    const registry = await testRegistry();
    const response = await registry.ask("PUT", "app/manifests/1", {
      body,
      headers: { "Content-Type": type },
    });
    expect(response.status).toBe(status);
    expect(await errorCode(response)).toBe("MANIFEST_INVALID");
  });

  it("answers before a far too large manifest has arrived whole", async () => {
    const registry = await testRegistry();
    const body = Buffer.alloc(64 * 1024 * 1024, " ");
    const outgoing = request(new URL("/v2/app/manifests/1", registry.url), { method: "PUT" });
    const status = new Promise<number | undefined>((resolve, reject) => {
      outgoing.on("response", (incoming) => resolve(incoming.statusCode)).on("error", reject);
    });
    outgoing.end(body);
    expect(await status).toBe(413);
    outgoing.destroy();
  });

  it("takes the next request of a connection whose last one was refused before its end", async () => {
    const registry = await testRegistry();
    const size = 16 * 1024 * 1024;
    const socket = connect(registry.port, registry.host);
    onTestFinished(() => void socket.destroy());
    let answers = "";
    socket.setEncoding("latin1").on("data", (text: string) => {
      answers += text;
    });
    socket.write(`PUT /v2/app/manifests/1 HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`);
    socket.write(Buffer.alloc(size, " "));
    socket.write("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n");
    const statuses = () => answers.match(/(?<=HTTP\/1\.1 )\d+/g);
    await expect.poll(statuses).toEqual(["413", "200"]);
  });

  it("refuses a manifest under another digest than its own", async () => {
    const registry = await testRegistry();
    const image = await tinyImage("one");
    await registry.pushImage("app", image, "1");
    const response = await registry.ask("PUT", `app/manifests/${digestOf(Buffer.from("x"))}`, {
      body: Buffer.from(image.manifest.bytes),
      headers: { "Content-Type": mediaTypes.oci.manifest },
    });
    expect([response.status, await errorCode(response)]).toEqual([400, "DIGEST_INVALID"]);
  });

  it("loses none of the tags that are pushed at once", async () => {
    const registry = await testRegistry();
    const image = await tinyImage("one");
    await registry.pushImage("app", image);
    const tags = Array.from({ length: 20 }, (_, i) => `t${String(i).padStart(2, "0")}`);
    await Promise.all(tags.map((tag) => registry.pushManifest("app", image.manifest, tag)));
    expect(await (await registry.ask("GET", "app/tags/list")).json()).toMatchObject({ tags });
  });

  it("keeps the plain tag of a layout that other tools wrote", async () => {
    const registry = await testRegistry();
    const path = join(registry.directory, "index.json");
    const [one, two] = [await tinyImage("one"), await tinyImage("two")];
    await registry.pushImage("store", one, "latest");
    await writeFile(path, (await readFile(path, "utf8")).replace('"store:latest"', '"latest"'));
    await registry.pushImage("store", two, "latest");
    const index = JSON.parse(await readFile(path, "utf8"));
    expect(index.manifests.at(-1)).toMatchObject({
      digest: two.manifest.descriptor.digest,
      annotations: { "org.opencontainers.image.ref.name": "latest" },
    });
  });
});
