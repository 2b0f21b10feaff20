import { expect } from "vitest";
import { entryOf } from "../../support/auth-scene.ts";
import { anyOf, every, first } from "../../support/fault-scene.ts";
import type { Fault } from "../../support/proxy-fault.ts";
import { secret } from "../../support/secrets.ts";
import type { FaultCases } from "./fault-case.ts";
import { isBuilderManifest } from "./fault-case.ts";

const cut: Fault = { kind: "cut-response", afterBytes: 2_000_000 };
const password = secret("password-for-the-registry-alone");

/** Reading. */
export const readCases: FaultCases = {
  "read-resumed": async ({ proxy, completes, isLayerGet, scene }) => {
    proxy.fault = first(2, isLayerGet, cut);
    await completes("read-resumed");
    const size = scene.builder.layers[0]?.descriptor.size ?? 0;
    const gets = proxy.exchanges.filter(isLayerGet);
    expect(gets.map(({ status }) => status)).toEqual([200, 206, 206]);
    expect(gets[0]?.range).toBeUndefined();
    for (const { range } of gets.slice(1)) expect(range).toMatch(new RegExp(`^bytes=\\d+-${size - 1}$`));
    const read = gets.reduce((sum, { responseBytes }) => sum + responseBytes, 0);
    expect(read).toBeLessThan(size + 2 * 2_000_000);
  },

  "read-resumed--storage": async ({ proxy, storage, completes, isLayerGet }) => {
    proxy.fault = (exchange) => {
      if (!isLayerGet(exchange)) return undefined;
      const link = proxy.exchanges.filter(isLayerGet).length;
      const location = `${storage.url}${exchange.path}?link=${link}`;
      return { kind: "answer", status: 307, headers: { location } };
    };
    storage.fault = first(1, isLayerGet, cut);
    await completes("read-resumed-storage");
    expect(storage.exchanges.map(({ query }) => query.get("link"))).toEqual(["1", "2"]);
    expect(storage.exchanges[1]?.range).toMatch(/^bytes=\d+-\d+$/);
  },

  "read-resumed--altered": async ({ proxy, refuses, isLayerGet, scene }) => {
    const altered: Fault = { kind: "alter", body: (chunk) => Buffer.from(chunk).fill(7) };
    proxy.fault = anyOf(first(1, isLayerGet, cut), every(isLayerGet, altered));
    await refuses(
      { status: 6, code: "DIGEST_MISMATCH", message: ["builder ", scene.builderLayer], hint: "alters" },
      { builder: scene.names.builderByProxy },
    );
  },

  "range-ignored": async ({ proxy, completes, isLayerGet }) => {
    const ignoring: Fault = { kind: "alter", request: { range: undefined } };
    proxy.fault = anyOf(first(1, isLayerGet, cut), every(isLayerGet, ignoring));
    await completes("range-ignored");
    expect(proxy.exchanges.filter(isLayerGet).map(({ status }) => status)).toEqual([200, 200]);
  },

  "range-ignored--another": async ({ proxy, completes, isLayerGet }) => {
    const another: Fault = { kind: "alter", request: { range: "bytes=0-99" } };
    proxy.fault = anyOf(first(1, isLayerGet, cut), first(1, isLayerGet, another));
    await completes("range-another");
    const ranges = proxy.exchanges.filter(isLayerGet).map(({ range }) => range !== undefined);
    expect(ranges).toEqual([false, true, false]);
  },

  "range-ignored--refused": async ({ proxy, completes, isLayerGet }) => {
    proxy.fault = anyOf(first(1, isLayerGet, cut), first(1, isLayerGet, { kind: "answer", status: 416 }));
    await completes("range-refused");
  },

  "ranges-unannounced": async ({ proxy, completes, isLayerGet }) => {
    const unannounced: Fault = { kind: "alter", headers: { "accept-ranges": undefined } };
    proxy.fault = anyOf(first(1, isLayerGet, cut), every(isLayerGet, unannounced));
    await completes("ranges-unannounced");
    expect(proxy.exchanges.filter(isLayerGet).at(-1)?.status).toBe(206);
  },

  "stalled--reading": async ({ proxy, refuses, isLayerGet, scene }) => {
    proxy.fault = every(isLayerGet, { kind: "stall-response", afterBytes: 100_000 });
    await refuses(
      { status: 5, code: "NETWORK", message: ["builder ", "no progress for 0.5 s"], hint: "--timeout" },
      { builder: scene.names.builderByProxy, timeout: "500ms" },
    );
    expect(proxy.exchanges.filter(isLayerGet)).toHaveLength(2);
  },

  "stalled--waiting": async ({ proxy, refuses, isLayerGet, scene }) => {
    proxy.fault = every(isLayerGet, { kind: "hold", until: new Promise(() => {}) });
    await refuses(
      { status: 5, code: "NETWORK", message: ["builder ", "no progress for 0.5 s"], hint: "--timeout" },
      { builder: scene.names.builderByProxy, timeout: "500ms", retries: "0" },
    );
  },

  "stalled--dripping": async ({ proxy, refuses, isLayerGet, scene }) => {
    proxy.fault = every(isLayerGet, { kind: "line", bytesPerSecond: 500 });
    await refuses(
      { status: 5, code: "NETWORK", message: ["builder ", "no progress for 0.5 s"], hint: "--timeout" },
      { builder: scene.names.builderByProxy, timeout: "500ms", retries: "0" },
    );
  },

  "stalled--sending": async ({ proxy, refuses, isLayerSent }) => {
    proxy.fault = every(isLayerSent, { kind: "stall-request", afterBytes: 100_000 });
    await refuses(
      { status: 5, code: "NETWORK", message: ["target ", "no progress for 0.3 s"], hint: "--timeout" },
      { timeout: "300ms", retries: "0" },
    );
  },

  "wrong-content--altered": async ({ proxy, refuses, isLayerGet, scene }) => {
    const body = (chunk: Buffer, at: number): Buffer =>
      at <= 3_000_000 && at + chunk.byteLength > 3_000_000 ? Buffer.from(chunk).fill(7) : chunk;
    proxy.fault = every(isLayerGet, { kind: "alter", body });
    await refuses(
      {
        status: 6,
        code: "DIGEST_MISMATCH",
        message: [`builder ${proxy.host}/scene/builder`, `expected ${scene.builderLayer}`],
        hint: "alters",
      },
      { builder: scene.names.builderByProxy },
    );
  },

  "wrong-content--short": async ({ proxy, refuses, isLayerGet, scene }) => {
    const body = (chunk: Buffer, at: number): Buffer => (at < 1_000_000 ? chunk : Buffer.alloc(0));
    proxy.fault = every(isLayerGet, {
      kind: "alter",
      headers: { "content-length": undefined, "content-range": undefined },
      status: 200,
      request: { range: undefined },
      body,
    });
    await refuses(
      {
        status: 6,
        code: "SIZE_MISMATCH",
        message: [`builder ${proxy.host}/scene/builder`, scene.builderLayer, "ended after"],
        hint: "damaged",
      },
      { builder: scene.names.builderByProxy },
    );
  },

  "wrong-content--page": async ({ proxy, refuses, isLayerGet, scene }) => {
    const headers = { "content-type": "text/html" };
    const body = "<title>Welcome to the hotel</title>";
    proxy.fault = every(isLayerGet, { kind: "answer", status: 200, headers, body });
    await refuses(
      {
        status: 6,
        code: "SIZE_MISMATCH",
        message: ["builder ", "HTML page", scene.builderLayer],
        hint: "Retry",
      },
      { builder: scene.names.builderByProxy },
    );
  },

  "wrong-content--page-as-manifest": async ({ proxy, refuses, scene }) => {
    const headers = { "content-type": "text/html" };
    proxy.fault = every(isBuilderManifest, {
      kind: "answer",
      status: 200,
      headers,
      body: "<title>x</title>",
    });
    await refuses(
      { status: 6, code: "MANIFEST_INVALID", message: ["builder ", "text/html"], hint: "login page" },
      { builder: scene.names.builderByProxy },
    );
  },

  "content-encoding": async ({ proxy, completes, isLayerGet }) => {
    proxy.fault = every(isLayerGet, { kind: "alter", headers: { "content-encoding": "gzip" } });
    await completes("content-encoding");
    for (const { requestHeaders } of proxy.exchanges.filter(isLayerGet)) {
      expect(requestHeaders["accept-encoding"]).toBe("identity");
    }
  },

  "content-encoding--true": async ({ proxy, refuses, isLayerGet, scene }) => {
    proxy.fault = every(isLayerGet, {
      kind: "alter",
      headers: { "content-encoding": "br" },
      body: (chunk) => Buffer.from(chunk).reverse(),
    });
    await refuses(
      {
        status: 6,
        code: "DIGEST_MISMATCH",
        message: ["content encoding br", scene.builderLayer],
        hint: "alters",
      },
      { builder: scene.names.builderByProxy },
    );
  },

  "head-poor": async ({ proxy, completes }) => {
    proxy.fault = every(({ method }) => method === "HEAD", { kind: "answer", status: 405 });
    await completes("head-poor");
  },

  storage: async ({ proxy, storage, completes }) => {
    const isBlobGet = ({ method, path }: { method: string; path: string }): boolean =>
      method === "GET" && path.includes("/blobs/sha256:");
    proxy.fault = (exchange) => {
      if (exchange.requestHeaders.authorization === undefined) {
        return { kind: "answer", status: 401, headers: { "www-authenticate": 'Basic realm="scene"' } };
      }
      const headers = { location: `${storage.url}${exchange.path}?signature=1` };
      return isBlobGet(exchange) ? { kind: "answer", status: 307, headers } : undefined;
    };
    const auths = { [proxy.host]: entryOf("me", password) };
    await completes("storage", {}, { env: { DOCKER_AUTH_CONFIG: JSON.stringify({ auths }) } });
    expect(storage.exchanges.length).toBeGreaterThan(0);
    for (const { requestHeaders } of storage.exchanges) {
      expect([requestHeaders.authorization, requestHeaders.cookie]).toEqual([undefined, undefined]);
    }
  },

  "storage-expired": async ({ proxy, storage, completes, isLayerGet }) => {
    proxy.fault = (exchange) => {
      const headers = { location: `${storage.url}${exchange.path}?signature=1` };
      return isLayerGet(exchange) ? { kind: "answer", status: 307, headers } : undefined;
    };
    const body = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
    storage.fault = first(1, isLayerGet, { kind: "answer", status: 403, body });
    const { stderr } = await completes("storage-expired");
    expect(stderr).toContain("the storage refused the registry's link");
    expect(proxy.exchanges.filter(isLayerGet)).toHaveLength(2);
  },

  "storage-expired--lasting": async ({ proxy, storage, refuses, isLayerGet, scene }) => {
    proxy.fault = (exchange) => {
      const headers = { location: `${storage.url}${exchange.path}?signature=1` };
      return isLayerGet(exchange) ? { kind: "answer", status: 307, headers } : undefined;
    };
    const body = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
    storage.fault = every(isLayerGet, { kind: "answer", status: 403, body });
    await refuses(
      {
        status: 3,
        code: "DENIED",
        message: ["builder ", `${storage.host} answered 403 AccessDenied Request has expired`],
        hint: "",
      },
      { builder: scene.names.builderByProxy },
    );
    expect(proxy.exchanges.filter(isLayerGet)).toHaveLength(2);
  },

  "digest-header--missing": async ({ proxy, completes }) => {
    proxy.fault = every(() => true, { kind: "alter", headers: { "docker-content-digest": undefined } });
    await completes("digest-header");
  },

  "digest-header--wrong": async ({ proxy, refuses, scene }) => {
    const digest = `sha256:${"0".repeat(64)}`;
    proxy.fault = every(isBuilderManifest, { kind: "alter", headers: { "docker-content-digest": digest } });
    await refuses(
      { status: 6, code: "DIGEST_MISMATCH", message: ["builder ", `expected ${digest}`], hint: "alters" },
      { builder: scene.names.builderByProxy },
    );
  },
};
