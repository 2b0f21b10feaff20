import { readdir } from "node:fs/promises";
import { expect } from "vitest";
import { anyOf, errorAnswer, every, type FaultScene, first } from "../../support/fault-scene.ts";
import { tagsOf } from "../../support/read-image.ts";
import type { Exchange } from "../../support/recording-proxy.ts";
import type { FaultCases } from "./fault-case.ts";
import { isManifestPut, isMount, isTagPut } from "./fault-case.ts";

const immutable = errorAnswer(409, "TAG_IMMUTABLE", "tags of this repository are immutable");

async function interruptedBy(signal: "SIGINT" | "SIGTERM", scene: FaultScene): Promise<void> {
  const { proxy, compose, isLayerSent, fresh, expectUntouched } = scene;
  proxy.fault = every(isLayerSent, { kind: "stall-request", afterBytes: 100_000 });
  const result = await compose("interrupted", fresh(), {
    interrupt: { when: proxy.seen(isLayerSent), signal },
  });
  expect(result.status, result.stderr).toBe(signal === "SIGINT" ? 130 : 143);
  expect(await readdir(result.temporary)).toEqual([]);
  await expectUntouched();
}

/** Publishing. */
export const publishCases: FaultCases = {
  "blob-unknown": async ({ proxy, completes, scene }) => {
    // the registry is said to have a layer of the base that it does not have
    const digest = scene.base.layers[0]?.descriptor.digest ?? "";
    const isLie = ({ method, path }: Exchange): boolean => method === "HEAD" && path.endsWith(digest);
    proxy.fault = first(1, isLie, { kind: "answer", status: 200 });
    const { stderr } = await completes("blob-unknown");
    expect(stderr).toContain("the registry does not know a blob of it");
    expect(proxy.exchanges.filter(isMount)).toEqual([]);
  },

  "blob-unknown--lasting": async ({ proxy, refuses }) => {
    proxy.fault = every(
      isManifestPut,
      errorAnswer(404, "MANIFEST_BLOB_UNKNOWN", "blob unknown", { digest: "x" }),
    );
    await refuses({
      status: 7,
      code: "BLOB_UNKNOWN",
      message: [
        `target ${proxy.host}/scene/app@sha256:`,
        'MANIFEST_BLOB_UNKNOWN blob unknown ({"digest":"x"})',
      ],
      hint: "again",
    });
    expect(proxy.exchanges.filter(isManifestPut)).toHaveLength(2);
  },

  "tag-immutable--same": async ({ proxy, completes }) => {
    await completes("tag-immutable");
    proxy.fault = every(isTagPut, immutable);
    await completes("tag-immutable");
    expect(proxy.exchanges.filter(isTagPut).at(-1)?.status).toBe(409);
  },

  "tag-immutable--same-by-get": async ({ proxy, completes }) => {
    await completes("tag-immutable-get");
    const isHead = ({ method }: Exchange): boolean => method === "HEAD";
    proxy.fault = anyOf(
      every(isTagPut, immutable),
      every((exchange) => isHead(exchange) && exchange.path.includes("/manifests/"), {
        kind: "alter",
        headers: { "docker-content-digest": undefined, "content-length": undefined },
      }),
    );
    await completes("tag-immutable-get");
  },

  "tag-immutable--other": async ({ proxy, refuses }) => {
    proxy.fault = every(isTagPut, immutable);
    await refuses({
      status: 7,
      code: "REGISTRY_REJECTED",
      message: [
        `target ${proxy.host}/scene/app:kept`,
        "409 TAG_IMMUTABLE tags of this repository are immutable",
      ],
      hint: "",
    });
  },

  "tag-refused": async ({ proxy, refuses }) => {
    proxy.fault = every(isTagPut, errorAnswer(400, "TAG_INVALID", "not this one"));
    await refuses({
      status: 7,
      code: "REGISTRY_REJECTED",
      message: [`target ${proxy.host}/scene/app:kept`, "400 TAG_INVALID not this one"],
      hint: "",
    });
  },

  "tag-refused--broken": async ({ proxy, refuses }) => {
    proxy.fault = every(isTagPut, { kind: "answer", status: 500, body: "disk full" });
    await refuses(
      {
        status: 5,
        code: "NETWORK",
        message: [`target ${proxy.host}/scene/app:kept`, "500 disk full"],
        hint: "",
      },
      { retries: "1" },
    );
  },

  "tag-refused--second": async ({ proxy, compose, scene }) => {
    const tags = ["first", "second"].map((tag) => `${proxy.host}/faults/two-tags:${tag}`);
    proxy.fault = every(({ path }) => path.endsWith("/second"), errorAnswer(400, "TAG_INVALID", "no"));
    const result = await compose("two-tags", { tag: tags });
    expect(result.status, result.stderr).toBe(7);
    expect(result.stderr).toContain(`${tags[0]}`);
    expect(await tagsOf(scene.registry.url, "faults/two-tags")).toEqual(["first"]);
  },

  "interrupted--SIGINT": (scene) => interruptedBy("SIGINT", scene),
  "interrupted--SIGTERM": (scene) => interruptedBy("SIGTERM", scene),
};
