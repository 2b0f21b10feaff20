import { afterAll, beforeAll, expect, test } from "vitest";
import { makeAttestation, makeImage, makeIndex, pushMade } from "../support/make-image.ts";
import { type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.ts";
import { registryKinds } from "../support/registries.ts";
import type { Registry } from "../support/registry.ts";
import { runCli } from "../support/run-cli.ts";
import { describeWith } from "../support/tools.ts";

const amd64 = makeImage({ layers: [{ files: [{ path: "app/" }] }], execution: { Env: ["A=1"] } });
const arm64 = makeImage({ layers: [{ files: [{ path: "arm/" }] }], architecture: "arm64" });
const index = makeIndex([amd64, arm64, makeAttestation(amd64)]);

for (const { name, needs, start } of registryKinds) {
  describeWith(["cli", ...needs], `inspect of an index on ${name}`, () => {
    let registry: Registry;
    let proxy: RecordingProxy;
    let image: string;

    beforeAll(async () => {
      registry = await start();
      proxy = await startRecordingProxy(registry.url);
      image = (await pushMade(index, registry.url, "inspect:1")).replace(registry.host, proxy.host);
    });
    afterAll(async () => {
      await proxy.stop();
      await registry.stop();
    });

    test("shows every platform and reads no layer", async () => {
      const { status, stdout, stderr } = await runCli(["inspect", image]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout).toContain("platforms  linux/amd64, linux/arm64\n");
      expect(stdout).toContain("  env      A=1\n");
      const read = proxy.exchanges.map(({ path }) => path);
      for (const { descriptor } of index.layers) {
        expect(read.filter((path) => path.endsWith(descriptor.digest))).toEqual([]);
      }
    });

    test("--json is a document, --raw the stored bytes", async () => {
      const { stdout } = await runCli(["inspect", "--json", image]);
      expect(JSON.parse(stdout)).toMatchObject({ digest: index.top.descriptor.digest, reference: image });
      expect((await runCli(["inspect", "--raw", image])).stdout).toBe(index.top.bytes.toString());
      const child = await runCli(["inspect", "--raw", "--platform", "arm64", image]);
      expect(child.stdout).toBe(arm64.top.bytes.toString());
    });
  });
}
