import { expect } from "vitest";
import { every } from "../../support/fault-scene.ts";
import type { Fault } from "../../support/proxy-fault.ts";
import { runCli } from "../../support/run-cli.ts";
import type { FaultCases } from "./fault-case.ts";
import { isBuilderManifest } from "./fault-case.ts";

const types = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
};

function documentAnswer(mediaType: string, document: object): Fault {
  const body = JSON.stringify({ schemaVersion: 2, mediaType, ...document });
  return { kind: "answer", status: 200, headers: { "content-type": mediaType }, body };
}

/** Documents. */
export const documentCases: FaultCases = {
  "manifest-large": async ({ proxy, refuses, scene }) => {
    const answer = documentAnswer(types.manifest, { annotations: { large: "x".repeat(4 * 1024 * 1024) } });
    proxy.fault = every(isBuilderManifest, answer);
    await refuses(
      { status: 6, code: "LIMIT_EXCEEDED", message: ["builder ", "limit of 4194304 bytes"], hint: "limit" },
      { builder: scene.names.builderByProxy },
    );
  },

  "manifest-large--size-of-a-layer": async ({ proxy, refuses, scene }) => {
    const manifest = JSON.parse(Buffer.from(scene.builder.top.bytes).toString());
    for (const size of [-1, 2 ** 60, 1.5, "7"]) {
      const code = size === 2 ** 60 ? "LIMIT_EXCEEDED" : "MANIFEST_INVALID";
      const layers = [{ ...manifest.layers[0], size }];
      proxy.fault = every(isBuilderManifest, documentAnswer(types.manifest, { ...manifest, layers }));
      await refuses(
        { status: 6, code, message: ["builder ", "size"], hint: "" },
        { builder: scene.names.builderByProxy },
      );
    }
  },

  ambiguous: async ({ proxy, refuses, scene }) => {
    const manifest = JSON.parse(Buffer.from(scene.builder.top.bytes).toString());
    const both = { ...manifest, manifests: [scene.builder.top.descriptor] };
    proxy.fault = every(isBuilderManifest, documentAnswer(types.manifest, both));
    await refuses(
      { status: 6, code: "MANIFEST_INVALID", message: ["builder ", /index|manifests/], hint: "" },
      { builder: scene.names.builderByProxy },
    );
  },

  attestations: async ({ proxy, compose, expectWhole, scene }) => {
    const { descriptor } = scene.builder.top;
    const manifests = [
      {
        ...descriptor,
        digest: `sha256:${"1".repeat(64)}`,
        platform: { os: "unknown", architecture: "unknown" },
      },
      { ...descriptor, platform: { os: "linux", architecture: "amd64" } },
    ];
    proxy.fault = every(isBuilderManifest, documentAnswer(types.index, { manifests }));
    const result = await compose("attestations", { platform: "linux/amd64" });
    expect(result.status, result.stderr).toBe(0);
    await expectWhole(`${scene.registry.host}/faults/attestations:1`);
  },

  "child-missing": async ({ proxy, refuses, scene }) => {
    const digest = `sha256:${"1".repeat(64)}`;
    const platform = { os: "linux", architecture: "amd64" };
    const manifests = [{ ...scene.builder.top.descriptor, digest, platform }];
    proxy.fault = every(isBuilderManifest, documentAnswer(types.index, { manifests }));
    await refuses(
      { status: 4, code: "MANIFEST_NOT_FOUND", message: ["builder ", digest], hint: "" },
      { builder: scene.names.builderByProxy, platform: "linux/amd64" },
    );
  },

  paging: async ({ proxy, outcomes: _ }) => {
    const pages = (path: string): Fault | undefined =>
      path.endsWith("/tags/list")
        ? {
            kind: "answer",
            status: 200,
            headers: { link: `</v2/scene/app/tags/more?last=x>; rel="next"` },
            body: JSON.stringify({ name: "scene/app", tags: [] }),
          }
        : undefined;
    proxy.fault = ({ path }) =>
      pages(path) ??
      (path.endsWith("/tags/more")
        ? { kind: "answer", status: 200, body: JSON.stringify({ name: "scene/app", tags: ["kept"] }) }
        : undefined);
    const found = await runCli(["doctor", `${proxy.host}/scene/app`, "--json"]);
    expect(found.status, found.stderr).toBe(0);
    expect(proxy.exchanges.some(({ path }) => path.endsWith("/manifests/kept"))).toBe(true);
    proxy.forget();
    const endless = `</v2/scene/app/tags/list?last=x>; rel="next"`;
    proxy.fault = ({ path }) =>
      path.endsWith("/tags/list")
        ? { kind: "answer", status: 200, headers: { link: endless }, body: '{"tags":[]}' }
        : undefined;
    await runCli(["doctor", `${proxy.host}/scene/app`, "--json"]);
    const asked = proxy.exchanges.filter(({ path }) => path.endsWith("/tags/list"));
    expect(asked).toHaveLength(1000);
  },
};
