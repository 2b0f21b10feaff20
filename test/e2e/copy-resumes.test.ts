import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { makeImage, pushMade } from "../support/make-image.ts";
import { randomContent } from "../support/random-content.ts";
import { type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.ts";
import type { Registry } from "../support/registry.ts";
import { runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";
import { skopeoCopy } from "../support/unpack.ts";

const megabyte = 1024 * 1024;
/** Bytes of the one large layer. */
const layerSize = 32 * megabyte;

describeWith(["cli", "skopeo"], "a copy that is cut off", () => {
  let registry: Registry;
  let proxy: RecordingProxy;
  const image = makeImage({
    layers: [{ files: [{ path: "large", content: randomContent("large", layerSize) }] }],
  });
  const layer = image.layers[0]?.descriptor.digest ?? "";

  beforeAll(async () => {
    registry = await startEmbeddedRegistry();
    proxy = await startRecordingProxy(registry.url);
    await pushMade(image, registry.url, "large:1");
  });
  afterAll(async () => {
    await proxy.stop();
    await registry.stop();
  });

  for (const signal of ["SIGKILL", "SIGINT"] as const) {
    test(`by ${signal} in mid blob goes on where it was`, async () => {
      const directory = join(await temporaryDirectory("resume"), "layout");
      const args = ["copy", "--no-referrers", `${proxy.host}/large:1`, `oci:${directory}`];
      proxy.forget();
      // The rest of the layer never comes, so that the moment of the signal does not matter.
      proxy.fault = ({ path }) =>
        path.endsWith(layer) ? { kind: "stall-response", afterBytes: layerSize / 2 } : undefined;
      const half = waitForPart(directory, layerSize / 2 - megabyte);
      const cut = await runCli(args, { interrupt: { when: half, signal } });
      expect(cut.status).toBe(signal === "SIGKILL" ? null : 130);

      proxy.fault = undefined;
      proxy.forget();
      const { status, stderr } = await runCli(args);
      expect(status, stderr).toBe(0);
      const reads = proxy.exchanges.filter(({ method, path }) => method === "GET" && path.endsWith(layer));
      expect(reads).toHaveLength(1);
      expect(reads[0]?.range).toMatch(/^bytes=\d+-\d+$/);
      expect(reads[0]?.responseBytes).toBeLessThan(layerSize / 2 + 2 * megabyte);
      expect((await readdir(directory)).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
      await skopeoCopy(`oci:${directory}:1`, `dir:${await temporaryDirectory("checked")}`);
    });
  }
});

/** Waits until a layout has a part of so many bytes. */
async function waitForPart(directory: string, bytes: number): Promise<void> {
  for (;;) {
    const names = await readdir(directory).catch((): string[] => []);
    const parts = names.filter((name) => name.startsWith(".compose-image-partial-"));
    for (const name of parts) if ((await sizeOf(join(directory, name))) >= bytes) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
