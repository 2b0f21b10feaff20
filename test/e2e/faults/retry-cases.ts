import { expect } from "vitest";
import { anyOf, errorAnswer, every, first } from "../../support/fault-scene.ts";
import { freePort } from "../../support/free-port.ts";
import type { Fault } from "../../support/proxy-fault.ts";
import type { Exchange } from "../../support/recording-proxy.ts";
import type { FaultCases } from "./fault-case.ts";
import { isMount, until } from "./fault-case.ts";

/** The first request of each kind meets the next of the faults. */
function eachOnce(faults: readonly Fault[]) {
  const met = new Set<string>();
  return (exchange: Exchange): Fault | undefined => {
    const { method, path } = exchange;
    const kind = `${method} ${path.replace(/uploads\/.+/, "uploads/…")}`;
    if (path === "/v2/" || method === "DELETE" || met.has(kind) || isMount(exchange)) return undefined;
    met.add(kind);
    return faults[(met.size - 1) % faults.length];
  };
}

/** Trying again. */
export const retryCases: FaultCases = {
  "transient-status": async ({ proxy, completes }) => {
    const statuses = [503, 429, 500, 408, 502, 504, 499, 522];
    proxy.fault = eachOnce(statuses.map((status) => ({ kind: "answer", status, body: "later" })));
    const { stderr } = await completes("transient-status");
    for (const status of statuses)
      expect(stderr).toMatch(new RegExp(`^retry 1 of .*: ${status}(?: later)?$`, "m"));
  },

  "transient-status--lasting": async ({ proxy, refuses, isLayerGet, scene }) => {
    proxy.fault = every(isLayerGet, { kind: "answer", status: 503, body: "<title>Down for repairs</title>" });
    await refuses(
      {
        status: 5,
        code: "NETWORK",
        message: [`builder ${proxy.host}/scene/builder`, scene.builderLayer, "503 Down for repairs"],
        hint: "--retries",
      },
      { builder: scene.names.builderByProxy, retries: "2" },
    );
    expect(proxy.exchanges.filter(isLayerGet)).toHaveLength(3);
  },

  connection: async ({ proxy, completes }) => {
    proxy.fault = eachOnce([{ kind: "reset" }, { kind: "cut-response", afterBytes: 0 }]);
    const { stderr } = await completes("connection");
    expect(stderr).toMatch(/^retry 1 of .*: connection (?:reset|closed)$/m);
  },

  "connection--refused": async ({ refuses }) => {
    const host = `127.0.0.1:${await freePort()}`;
    await refuses(
      {
        status: 5,
        code: "NETWORK",
        message: [`builder ${host}/scene/builder: ${host}: connection refused`],
        hint: "name and port",
      },
      { builder: `${host}/scene/builder:1`, retries: "1" },
    );
  },

  "retry-after": async ({ proxy, completes, isLayerGet }) => {
    const headers = { "retry-after": "1" };
    proxy.fault = first(1, isLayerGet, { kind: "answer", status: 429, headers, body: "slow down" });
    const { stderr } = await completes("retry-after");
    expect(stderr).toMatch(/^retry 1 of .*: blob sha256:\S+ in 1\.0 s: 429 slow down$/m);
  },

  "retry-after--long": async ({ proxy, compose, isLayerGet, fresh, expectUntouched }) => {
    const headers = { "retry-after": "86400" };
    proxy.fault = every(isLayerGet, { kind: "answer", status: 503, headers });
    const answered = proxy.seen(isLayerGet).then(async (exchange) => {
      await until(() => exchange.finished);
      await new Promise((resolve) => setTimeout(resolve, 200));
    });
    const result = await compose("retry-after", fresh(), { interrupt: { when: answered } });
    expect(result.stderr).toMatch(/^retry 1 of .* in 1 min 00 s: 503$/m);
    expect(result.status).toBe(130);
    await expectUntouched();
  },

  rejected: async ({ proxy, refuses, isLayerSent }) => {
    proxy.fault = every(isLayerSent, errorAnswer(422, "POLICY", "not on a Friday", { rule: "no-friday" }));
    await refuses({
      status: 7,
      code: "REGISTRY_REJECTED",
      message: [
        `target ${proxy.host}/scene/app: upload of sha256:`,
        `${proxy.host} answered 422 POLICY not on a Friday ({"rule":"no-friday"})`,
      ],
      hint: "ask whoever runs it",
    });
    expect(proxy.exchanges.filter(isLayerSent)).toHaveLength(1);
  },

  "rejected--forbidden": async ({ proxy, refuses, isLayerSent }) => {
    proxy.fault = every(isLayerSent, errorAnswer(403, "DENIED", "no pushing here"));
    await refuses({
      status: 3,
      code: "DENIED",
      message: [`target ${proxy.host}/scene/app`, "403 DENIED no pushing here"],
      hint: "login",
    });
  },

  "error-text": async ({ proxy, refuses, isLayerGet, scene }) => {
    const body = "Too many requests from your address. Please log in.";
    proxy.fault = every(isLayerGet, { kind: "answer", status: 429, body });
    await refuses(
      { status: 5, code: "NETWORK", message: [`answered 429 ${body}`], hint: "limits how often" },
      { builder: scene.names.builderByProxy, retries: "0" },
    );
  },

  "error-size": async ({ proxy, refuses, isLayerGet, scene }) => {
    const body = "no ".repeat(20_000_000);
    proxy.fault = anyOf(every(isLayerGet, { kind: "answer", status: 400, body }));
    await refuses(
      { status: 7, code: "REGISTRY_REJECTED", message: [/answered 400 (?:no ){100,170}/], hint: "ask" },
      { builder: scene.names.builderByProxy },
    );
    expect(proxy.exchanges.find(isLayerGet)?.finished).toBe(false);
  },
};
