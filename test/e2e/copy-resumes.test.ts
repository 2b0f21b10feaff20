import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { digestOf } from "../../src/model/digest.ts";
import { run } from "../support/command.ts";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { makeImage, pushMade } from "../support/make-image.ts";
import { randomContent } from "../support/random-content.ts";
import { readImage } from "../support/read-image.ts";
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

  for (const [signal, split] of [
    ["SIGKILL", ["--split", "5MB"]],
    ["SIGINT", []],
  ] as const) {
    test(`by ${signal} in mid blob goes on in its archive, ${split.length > 0 ? "in parts" : "in one file"}`, async () => {
      const directory = await temporaryDirectory("resume");
      const args = [
        "copy",
        "--no-referrers",
        ...split,
        `${proxy.host}/large:1`,
        `oci-archive:${directory}/a.tar`,
      ];
      proxy.forget();
      proxy.fault = ({ path }) =>
        path.endsWith(layer) ? { kind: "stall-response", afterBytes: layerSize / 2 } : undefined;
      const half = waitForDraft(directory, layerSize / 2 - 5 * megabyte);
      const cut = await runCli(args, { interrupt: { when: half, signal } });
      expect(cut.status).toBe(signal === "SIGKILL" ? null : 130);
      if (signal === "SIGINT") expect(cut.stderr).toContain("is kept beside");

      proxy.fault = undefined;
      proxy.forget();
      const { status, stderr } = await runCli(args);
      expect(status, stderr).toBe(0);
      const reads = proxy.exchanges.filter(({ method, path }) => method === "GET" && path.endsWith(layer));
      expect(reads).toHaveLength(1);
      expect(reads[0]?.range).toMatch(/^bytes=\d+-\d+$/);
      expect(reads[0]?.responseBytes).toBeLessThan(layerSize / 2 + 6 * megabyte);

      const names = (await readdir(directory)).sort();
      if (split.length > 0) {
        expect(names).toEqual([...[1, 2, 3, 4, 5, 6, 7].map((i) => `a.tar.00${i}`), "a.tar.sha256"]);
        await run("sh", ["-c", "sha256sum -c a.tar.sha256 && cat a.tar.0* > a.tar"], { cwd: directory });
      } else expect(names).toEqual(["a.tar"]);
      await skopeoCopy(`oci-archive:${directory}/a.tar:1`, `dir:${await temporaryDirectory("checked")}`);
    });
  }
});

describeWith(["cli", "docker-registry"], "what is copied between registries and killed", () => {
  let source: Registry;
  let proxy: RecordingProxy;
  const image = makeImage({
    layers: [{ files: [{ path: "large", content: randomContent("killed", 2 * layerSize) }] }],
  });
  const { digest = "", size = 0 } = image.layers[0]?.descriptor ?? {};

  beforeAll(async () => {
    source = await startEmbeddedRegistry();
    proxy = await startRecordingProxy(source.url);
    await pushMade(image, source.url, "large:1");
  });
  afterAll(async () => {
    await proxy.stop();
    await source.stop();
  });

  const cases = [
    ["copy", "docker-registry", startDockerRegistry],
    ["mirror sync", "serve", startEmbeddedRegistry],
  ] as const;
  for (const [command, name, start] of cases) {
    test(`${command} goes on in its blob with --keep-parts, into ${name}`, async () => {
      const target = await start();
      onTestFinished(() => target.stop());
      const directory = await temporaryDirectory("resume");
      const parts = join(directory, "parts");
      const file = join(directory, "mirror.yaml");
      await writeFile(file, `repositories: [{name: "${proxy.host}/large", tags: ["1"]}]\n`);
      const args =
        command === "copy"
          ? ["copy", "--keep-parts", parts, `${proxy.host}/large:1`, `${target.host}/large`]
          : ["mirror", "sync", "--keep-parts", parts, "-f", file, target.host];
      proxy.forget();
      // The rest of the layer never comes, so that the moment of the signal does not matter.
      proxy.fault = ({ path }) =>
        path.endsWith(digest) ? { kind: "stall-response", afterBytes: layerSize } : undefined;
      const when = waitForPart(parts, layerSize - megabyte);
      const cut = await runCli(args, { interrupt: { when, signal: "SIGKILL" } });
      expect(cut.signal).toBe("SIGKILL");

      proxy.fault = undefined;
      const { status, stderr } = await runCli(args);
      expect(status, stderr).toBe(0);
      const reads = proxy.exchanges.filter(({ method, path }) => method === "GET" && path.endsWith(digest));
      expect(reads).toHaveLength(2);
      const bytesRead = reads.reduce((sum, { responseBytes }) => sum + responseBytes, 0);
      expect(bytesRead).toBeLessThanOrEqual(size + 8 * megabyte);
      expect(await readdir(parts)).toEqual([]);
      const { layers } = (await readImage(`${target.host}/large:1`)).manifest;
      expect(layers.map((layer) => layer.digest)).toEqual([digest]);
      const blob = await fetch(`${target.url}/v2/large/blobs/${digest}`);
      expect(digestOf(await blob.bytes())).toBe(digest);
    });
  }
});

/** Waits until a directory has a part of so many bytes. */
async function waitForPart(directory: string, bytes: number): Promise<void> {
  for (;;) {
    for (const path of await temporaryFiles(directory, /-partial-/)) {
      if ((await sizeOf(path)) >= bytes) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits until a draft's journal says that a blob has so many bytes. */
async function waitForDraft(directory: string, bytes: number): Promise<void> {
  for (;;) {
    for (const path of await temporaryFiles(directory, /-journal$/)) {
      const text = await readFile(path, "utf8").catch(() => "");
      for (const [, written] of text.matchAll(/"written":(\d+)\}/g)) if (Number(written) >= bytes) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function temporaryFiles(directory: string, pattern: RegExp): Promise<string[]> {
  const names = await readdir(directory).catch((): string[] => []);
  const found = names.filter((name) => name.startsWith(".compose-image-") && pattern.test(name));
  return found.map((name) => join(directory, name));
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
