import type { IncomingHttpHeaders } from "node:http";
import { expect } from "vitest";
import { bearerChallenge, bearerOf, challenge } from "../../support/auth-scene.ts";
import { anyOf, errorAnswer, every, first } from "../../support/fault-scene.ts";
import type { Fault } from "../../support/proxy-fault.ts";
import type { Exchange } from "../../support/recording-proxy.ts";
import { makeCertificates, startTlsFront } from "../../support/tls-front.ts";
import { startTokenServer } from "../../support/token-server.ts";
import type { FaultCases } from "./fault-case.ts";
import { isMount, isUploadStart, partOf } from "./fault-case.ts";

const mebibyte = 1024 * 1024;
const sizeOf = ({ requestHeaders }: Exchange): number => Number(requestHeaders["content-length"] ?? 0);
const isBody = ({ method, path }: Exchange): boolean =>
  /^(?:PUT|PATCH)$/.test(method) && path.includes("/blobs/uploads/");
const beyond =
  (limit: number) =>
  (exchange: Exchange): boolean =>
    isBody(exchange) && sizeOf(exchange) > limit;
const tooLarge: Fault = { kind: "answer", status: 413, body: "<title>413 Request Entity Too Large</title>" };

/** Uploading. */
export const uploadCases: FaultCases = {
  "location--path": async ({ proxy, completes }) => {
    const headers = ({ location = "" }: IncomingHttpHeaders) => {
      const { pathname, search } = new URL(location, proxy.url);
      return { location: `${pathname}${search}` };
    };
    proxy.fault = every(isUploadStart, { kind: "alter", headers });
    await completes("location-path");
  },

  "location--without-scheme": async ({ proxy, completes }) => {
    const headers = ({ location = "" }: IncomingHttpHeaders) => {
      const { host, pathname, search } = new URL(location, proxy.url);
      return { location: `${host}${pathname}${search}` };
    };
    proxy.fault = every(isUploadStart, { kind: "alter", headers });
    await completes("location-without-scheme");
  },

  "location--query": async ({ proxy, completes, isLayerSent, layer }) => {
    const headers = ({ location = "" }: IncomingHttpHeaders) => {
      const url = new URL(location, proxy.url);
      return { location: `${url.href}${url.search === "" ? "?" : "&"}state=a%2Bb%3D` };
    };
    proxy.fault = every(isUploadStart, { kind: "alter", headers });
    await completes("location-query");
    const sent = proxy.exchanges.find(isLayerSent);
    expect([sent?.query.get("state"), sent?.query.get("digest")]).toEqual(["a+b=", layer]);
  },

  "location-insecure": async ({ proxy, refuses, scene }) => {
    const certificates = await makeCertificates();
    const front = await startTlsFront(proxy.url, certificates, false);
    const location = `http://${front.host}/v2/scene/app/blobs/uploads/1`;
    proxy.fault = every(isUploadStart, { kind: "answer", status: 202, headers: { location } });
    try {
      await refuses(
        {
          status: 7,
          code: "REGISTRY_REJECTED",
          message: [`target ${front.host}/scene/app`, `from TLS to plain HTTP (${location})`],
          hint: "X-Forwarded-Proto",
        },
        { tag: `${front.host}/scene/app:kept`, "ca-file": certificates.ca, builder: scene.names.builder },
      );
    } finally {
      await front.stop();
    }
  },

  whole: async ({ proxy, completes, isLayerSent }) => {
    proxy.fault = every(({ method }) => method === "PATCH", { kind: "answer", status: 405 });
    await completes("whole");
    expect(proxy.exchanges.filter(isLayerSent).map(({ method }) => method)).toEqual(["PUT"]);
  },

  parts: async ({ proxy, completes, isLayerSent }) => {
    proxy.fault = every(beyond(mebibyte), tooLarge);
    await completes("parts", { retries: "0" });
    const parts = proxy.exchanges.filter((exchange) => isLayerSent(exchange) && exchange.status === 202);
    expect(parts.map(sizeOf).slice(0, -1)).toEqual(parts.slice(1).map(() => mebibyte));
  },

  "parts--min-length": async ({ proxy, completes, isLayerSent }) => {
    proxy.fault = anyOf(
      every(beyond(4 * mebibyte), tooLarge),
      every(isUploadStart, { kind: "alter", headers: { "oci-chunk-min-length": String(3 * mebibyte) } }),
    );
    await completes("parts-min-length");
    const parts = proxy.exchanges.filter((exchange) => isLayerSent(exchange) && exchange.status === 202);
    expect(Math.min(...parts.map(sizeOf).slice(0, -1))).toBeGreaterThanOrEqual(3 * mebibyte);
  },

  "parts--none-fits": async ({ proxy, refuses }) => {
    proxy.fault = every(beyond(100_000), tooLarge);
    await refuses({
      status: 7,
      code: "REGISTRY_REJECTED",
      message: [`target ${proxy.host}/scene/app: upload of sha256:`, "413 Request Entity Too Large"],
      hint: "client_max_body_size",
    });
  },

  "upload-resumed": async ({ proxy, completes, isLayerSent, resumes }) => {
    proxy.fault = first(1, isLayerSent, { kind: "cut-request", afterBytes: 3_000_000 });
    await completes("upload-resumed");
    const [whole, next] = proxy.exchanges.filter(isLayerSent);
    expect([whole?.method, next?.method]).toEqual(["PUT", "PATCH"]);
    const begins = Number(/^\d+/.exec(partOf(next) ?? "")?.[0]);
    if (resumes) expect(begins).toBeGreaterThan(0);
    else expect(begins).toBe(0);
  },

  "upload-resumed--twice": async ({ proxy, completes, isLayerSent }) => {
    proxy.fault = first(2, isLayerSent, { kind: "cut-request", afterBytes: 1_500_000 });
    await completes("upload-resumed-twice");
  },

  "upload-resumed--refused": async ({ proxy, completes, isLayerSent }) => {
    proxy.fault = anyOf(
      first(1, isLayerSent, { kind: "cut-request", afterBytes: 3_000_000 }),
      every(({ method, path }) => method === "GET" && path.includes("/uploads/"), {
        kind: "answer",
        status: 404,
      }),
    );
    await completes("upload-refused");
    const parts = proxy.exchanges.filter(isLayerSent).map(partOf);
    expect(parts[1]).toBe(`0-${4 * mebibyte - 1}`);
  },

  "upload-resumed--from-another-registry": async ({
    proxy,
    storage,
    compose,
    expectWhole,
    isLayerSent,
    isLayerGet,
    scene,
  }) => {
    await scene.add("large-base", scene.builder);
    proxy.fault = first(1, isLayerSent, { kind: "cut-request", afterBytes: 3_000_000 });
    const changes = { base: `${storage.host}/scene/large-base:1`, builder: scene.names.builder };
    const result = await compose("upload-from-elsewhere", changes);
    expect(result.status, result.stderr).toBe(0);
    await expectWhole(`${scene.registry.host}/faults/upload-from-elsewhere:1`);
    expect(result.stderr).toMatch(/^retry 1 of \S+ upload of /m);
    const size = scene.builder.layers[0]?.descriptor.size;
    expect(storage.exchanges.filter(isLayerGet).map(({ responseBytes }) => responseBytes)).toEqual([size]);
  },

  "session-lost--404": async ({ proxy, completes, isLayerSent }) => {
    proxy.fault = first(1, isLayerSent, errorAnswer(404, "BLOB_UPLOAD_UNKNOWN", "gone"));
    const { stderr } = await completes("session-lost");
    expect(stderr).toMatch(/^retry 1 of .*: the upload session is lost$/m);
    expect(proxy.exchanges.filter(isUploadStart)).toHaveLength(3);
  },

  "session-lost--416": async ({ proxy, completes, isLayerSent }) => {
    proxy.fault = first(1, isLayerSent, { kind: "answer", status: 416 });
    await completes("session-lost-416");
    expect(proxy.exchanges.filter(isUploadStart)).toHaveLength(3);
  },

  "answer-lost": async ({ proxy, completes, isLayerSent }) => {
    proxy.fault = first(1, isLayerSent, { kind: "cut-response", afterBytes: 0 });
    await completes("answer-lost");
    expect(proxy.exchanges.filter(isLayerSent)).toHaveLength(1);
  },

  "token-expires": async ({ proxy, completes, isLayerSent }) => {
    const tokens = await startTokenServer();
    tokens.manners.allows = () => true;
    const expired = new Set<string>();
    proxy.fault = (exchange) => {
      const token = bearerOf(exchange);
      if (isLayerSent(exchange) && expired.size === 0) expired.add(token ?? "");
      const isGood = token !== undefined && !expired.has(token);
      return isGood ? undefined : challenge(401, bearerChallenge(tokens));
    };
    try {
      await completes("token-expires");
      expect(proxy.exchanges.filter(isLayerSent).map(({ status }) => status)).toEqual([401, 201]);
      const pushes = tokens.asked.filter(({ scopes }) =>
        scopes.includes("repository:faults/token-expires:pull,push"),
      );
      expect(pushes.length).toBeGreaterThan(1);
    } finally {
      await tokens.stop();
    }
  },

  "mounts--201": async ({ proxy, completes }) => {
    const { stderr } = await completes("mounts-201");
    expect(stderr).toMatch(/^mounted \w+ from scene\/base /m);
    expect(proxy.exchanges.filter(isMount).map(({ status }) => status)).toEqual([201]);
  },

  "mounts--202": async ({ proxy, completes, scene }) => {
    proxy.fault = every(isMount, { kind: "alter", path: (path) => path.replace(/\?.*/, "") });
    await completes("mounts-202");
    expect(proxy.exchanges.filter(isMount).map(({ status }) => status)).toEqual([202]);
    expect(proxy.exchanges.filter(isUploadStart)).toHaveLength(2);
    const digest = scene.base.layers[0]?.descriptor.digest;
    expect(proxy.exchanges.some(({ query }) => query.get("digest") === digest)).toBe(true);
  },

  "mounts--refused": async ({ proxy, compose, expectWhole, scene }) => {
    const base = await scene.add("two-layers", scene.builder);
    proxy.fault = every(isMount, { kind: "answer", status: 405 });
    const names = { base: base.replace(scene.registry.host, proxy.host) };
    const result = await compose("mounts-refused", { ...names, jobs: "1" });
    expect(result.status, result.stderr).toBe(0);
    await expectWhole(`${scene.registry.host}/faults/mounts-refused:1`);
    expect(proxy.exchanges.filter(isMount)).toHaveLength(1);
  },

  "commit-slow": async ({ proxy, completes }) => {
    const isLast = (exchange: Exchange): boolean => isBody(exchange) && exchange.query.has("digest");
    proxy.fault = every(isLast, { kind: "alter", delayMs: 3_000 });
    await completes("commit-slow", { timeout: "1s", retries: "0" });
  },
};
