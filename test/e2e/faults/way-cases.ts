import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { every } from "../../support/fault-scene.ts";
import { freePort } from "../../support/free-port.ts";
import { temporaryDirectory } from "../../support/temp.ts";
import { makeCertificates, startTlsFront } from "../../support/tls-front.ts";
import type { FaultCases } from "./fault-case.ts";

/** The way there; e2e/proxies, e2e/tls and e2e/registries-conf have the rest of it. */
export const wayCases: FaultCases = {
  "http-proxy": async ({ refuses, scene }) => {
    const proxy = `127.0.0.1:${await freePort()}`;
    // loopback addresses are asked without a proxy; this one is none, and leads there all the same
    const builder = scene.names.builder.replace("127.0.0.1", "0.0.0.0");
    const env = { HTTP_PROXY: `http://${proxy}`, HTTPS_PROXY: `http://${proxy}` };
    await refuses(
      {
        status: 5,
        code: "NETWORK",
        message: ["builder 0.0.0.0", `through the proxy ${proxy}`],
        hint: "NO_PROXY",
      },
      { builder, retries: "0", insecure: builder.replace(/\/.*/, "") },
      { env },
    );
  },

  "http-proxy--no-proxy": async ({ completes }) => {
    const proxy = `http://127.0.0.1:${await freePort()}`;
    await completes("no-proxy", {}, { env: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy, NO_PROXY: "*" } });
  },

  tls: async ({ proxy, compose, expectWhole, refuses, scene }) => {
    const certificates = await makeCertificates();
    const front = await startTlsFront(proxy.url, certificates, false);
    const builder = scene.names.builder.replace(scene.registry.host, front.host);
    try {
      await refuses(
        { status: 5, code: "TLS", message: [`builder ${front.host}/scene/builder`], hint: "--ca-file" },
        { builder },
      );
      const trusting = { "ca-file": certificates.ca, builder };
      const result = await compose("tls", trusting);
      expect(result.status, result.stderr).toBe(0);
      await expectWhole(`${scene.registry.host}/faults/tls:1`);
    } finally {
      await front.stop();
    }
  },

  mirrors: async ({ proxy, storage, compose, expectWhole, scene }) => {
    storage.fault = every(() => true, { kind: "answer", status: 503 });
    const conf = join(await temporaryDirectory("mirrors"), "registries.conf");
    const mirror = (host: string): string => `[[registry.mirror]]\nlocation = "${host}/scene"\n`;
    await writeFile(
      conf,
      `[[registry]]\nprefix = "hub.invalid/images"\nlocation = "hub.invalid/images"\n${mirror(storage.host)}${mirror(proxy.host)}`,
    );
    const result = await compose("mirrors", {
      builder: "hub.invalid/images/builder:1",
      "registries-conf": conf,
    });
    expect(result.status, result.stderr).toBe(0);
    expect(result.stderr).toMatch(/^passed over .*503/m);
    await expectWhole(`${scene.registry.host}/faults/mirrors:1`);
  },
};
