import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdir, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { digestOf } from "../../src/model/digest.ts";
import { type RequestEvent, startRegistry } from "../../src/server/start-registry.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { testRegistry } from "./registry-client.ts";

describe("starting a registry", () => {
  it("fails where there is no layout, unless it may make one", async () => {
    const directory = await temporaryDirectory("registry");
    const options = { directory, host: "127.0.0.1", port: 0 };
    await expect(startRegistry({ ...options, writable: false }, unstoppable)).rejects.toMatchObject({
      code: "LAYOUT_INVALID",
    });
    expect(await readdir(directory)).toEqual([]);
    const registry = await startRegistry({ ...options, writable: true }, unstoppable);
    expect(registry.url).toBe(`http://127.0.0.1:${registry.port}`);
    await registry.close();
  });

  it("fails when the port is taken", async () => {
    const { directory, port } = await testRegistry();
    await expect(
      startRegistry({ directory, writable: true, host: "127.0.0.1", port }, unstoppable),
    ).rejects.toMatchObject({ code: "LOCAL_IO", message: expect.stringContaining(String(port)) });
  });

  it("ends a connection that stays silent in its request", async () => {
    const statuses: number[] = [];
    const registry = await testRegistry({ silence: 50, onRequest: ({ status }) => statuses.push(status) });
    const socket = connect(registry.port, registry.host);
    const closed = once(socket, "close");
    socket.on("error", () => {});
    const path = `/v2/app/blobs/uploads/?digest=${digestOf(Buffer.from("x"))}`;
    socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n`);
    socket.resume();
    await closed;
    await expect.poll(() => statuses).toEqual([499]);
  });

  it("tells of each request", async () => {
    const events: RequestEvent[] = [];
    const { ask } = await testRegistry({ onRequest: (event) => events.push(event) });
    await ask("GET", "app/tags/list?n=3");
    expect(events).toEqual([
      { method: "GET", url: "/v2/app/tags/list?n=3", status: 404, ms: expect.any(Number) },
    ]);
  });
});

describe("closing a registry", () => {
  it("lets a running pull finish", async () => {
    const registry = await testRegistry({ closeWithin: 60_000 });
    const bytes = randomBytes(20 * 1024 * 1024);
    await registry.pushBlob("app", bytes);
    const response = await registry.ask("GET", `app/blobs/${digestOf(bytes)}`);
    const closed = registry.close();
    expect(digestOf(Buffer.from(await response.arrayBuffer()))).toBe(digestOf(bytes));
    await closed;
    await expect(registry.ask("GET", "/v2/")).rejects.toThrow();
  });

  it("cuts a stuck upload after a while and removes its file", async () => {
    const registry = await testRegistry({ closeWithin: 100 });
    const url = new URL(`/v2/app/blobs/uploads/?digest=${digestOf(Buffer.from("x"))}`, registry.url);
    const outgoing = request(url, { method: "POST", headers: { "Content-Length": 1000 } });
    const cut = new Promise((resolve) => outgoing.on("error", resolve));
    outgoing.write("begin");
    const files = async () => (await readdir(registry.directory)).sort();
    await expect.poll(files).toHaveLength(4);
    await registry.close();
    expect(await files()).toEqual(["blobs", "index.json", "oci-layout"]);
    await cut;
  });

  it("removes the files of uploads that wait for their next chunk", async () => {
    const registry = await testRegistry();
    const location = (await registry.ask("POST", "app/blobs/uploads/")).headers.get("location") ?? "";
    await registry.ask("PATCH", location, { body: randomBytes(10) });
    await registry.close();
    await registry.close();
    expect((await readdir(registry.directory)).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
  });

  it("does not wait for a client that reads nothing", async () => {
    const registry = await testRegistry({ closeWithin: 100 });
    const bytes = randomBytes(30 * 1024 * 1024);
    await registry.pushBlob("app", bytes);
    const outgoing = request(new URL(`/v2/app/blobs/${digestOf(bytes)}`, registry.url));
    outgoing.on("error", () => {});
    const arrived = new Promise<void>((resolve) =>
      outgoing.on("response", (incoming) => {
        incoming.on("error", () => {});
        resolve();
      }),
    );
    outgoing.end();
    await arrived;
    await registry.close();
  });
});

describe("a registry over a layout with leftovers", () => {
  it("keeps files that are not its own", async () => {
    const directory = join(await temporaryDirectory("registry"), "store");
    const { close } = await testRegistry({ directory });
    await close();
    await writeFile(join(directory, ".compose-image-notes"), "");
    await testRegistry({ directory });
    expect(await readdir(directory)).toContain(".compose-image-notes");
  });
});
