import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { type MadeImage, makeImage, pushMade } from "../support/make-image.ts";
import type { Fault } from "../support/proxy-fault.ts";
import { randomContent } from "../support/random-content.ts";
import { type Exchange, type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.ts";
import { registryKinds } from "../support/registries.ts";
import type { Registry } from "../support/registry.ts";
import { runCli } from "../support/run-cli.ts";
import { describeWith } from "../support/tools.ts";
import { pullWhole } from "../support/whole-image.ts";

const line = { cutEveryBytes: 8 * 1024 * 1024, bytesPerSecond: 20_000_000 } as const;
/** Bytes of the files in the base's layers, and of the builder's file: they do not compress. */
const baseSizes = [64_000_000, 40_000_000] as const;
const builderSize = 22_000_000;

for (const kind of registryKinds) {
  describeWith(["cli", ...kind.needs], `over a bad line, to ${kind.name}`, () => {
    let source: Registry;
    let registry: Registry;
    let from: RecordingProxy;
    let to: RecordingProxy;
    let base: MadeImage;
    let builder: MadeImage;

    beforeAll(async () => {
      source = await startEmbeddedRegistry();
      registry = await kind.start();
      from = await startRecordingProxy(source.url);
      to = await startRecordingProxy(registry.url);
      base = makeImage({ layers: baseSizes.map((size, n) => layerOf(`usr/${n}`, size)) });
      builder = makeImage({ layers: [layerOf("app/file", builderSize)] });
      await pushMade(base, source.url, "base:1");
      await pushMade(builder, source.url, "builder:1");
    });
    afterAll(async () => {
      for (const started of [from, to, registry, source]) await started.stop();
    });

    const compose = async (repository: string) => {
      for (const proxy of [from, to]) proxy.forget();
      const result = await runCli([
        ...["--builder", `${from.host}/builder:1`, "--base", `${from.host}/base:1`],
        ...["--directory", "/app", "--tag", `${to.host}/${repository}:1`],
      ]);
      expect(result, result.stderr).toMatchObject({ status: 0 });
      expect(await readdir(result.temporary)).toEqual([]);
      return result.stdout.trim().replace(/^.*@/, "");
    };
    const layers = () => [...base.layers, ...builder.layers].map(({ descriptor }) => descriptor);
    const readsOf = (digest: string) =>
      from.exchanges.filter(({ method, path }) => method === "GET" && path.endsWith(digest));

    test("that is cut every 8 MB, slow, and answers one request in ten with 429 or 503, compose makes the same image, and reads no byte twice beyond 8 MB a cut", async () => {
      const undisturbed = await compose("team/undisturbed");
      for (const { digest, size } of layers()) {
        expect(readsOf(digest).map(({ responseBytes }) => responseBytes)).toEqual([size]);
      }

      for (const proxy of [from, to]) proxy.fault = badLine();
      expect(await compose("team/disturbed")).toBe(undisturbed);
      expect(await pullWhole(registry.url, "team/disturbed", "1")).toBe(undisturbed);

      const report: string[] = [];
      for (const { digest, size } of layers()) {
        const reads = readsOf(digest).filter(({ status }) => status === 200 || status === 206);
        const [first, ...later] = reads;
        // an upload that was cut and lost all it had may want the beginning again
        const again = later.filter(({ range }) => range === undefined);
        const rest = later.filter((read) => !again.includes(read));
        const uploadCuts = to.exchanges.filter(
          ({ query, status }) => query.get("digest") === digest && status === undefined,
        ).length;
        const cuts = [first, ...rest].filter((read) => read?.finished === false).length;
        const delivered = sum(reads.map(({ responseBytes }) => responseBytes));
        report.push(
          `${digest.slice(7, 19)}: ${size} bytes in ${reads.length} reads, ${delivered} delivered; cut ${cuts} times, and ${uploadCuts} times when sent`,
        );
        expect(cuts).toBeGreaterThanOrEqual(Math.floor(size / line.cutEveryBytes));
        expectContinued(first, rest, size);
        expect(again.length).toBeLessThanOrEqual(uploadCuts);
        expect(delivered).toBeLessThanOrEqual(size + (cuts + uploadCuts) * line.cutEveryBytes);
      }
      const sent = sum(to.exchanges.map(({ requestBytes }) => requestBytes));
      const needed = sum(baseSizes) + builderSize;
      const uploads = to.exchanges.filter(({ requestBytes }) => requestBytes > 0);
      const cutUploads = uploads.filter(({ status }) => status === undefined).length;
      const refused = [from, to].map(({ exchanges }) => exchanges.filter(isRefused).length);
      report.push(`sent ${sent} bytes for ${needed}, ${cutUploads} cuts; refused: ${refused.join(" and ")}`);
      console.log(report.join("\n"));
      expect(cutUploads).toBeGreaterThan(0);
      expect(sent).toBeLessThanOrEqual(needed * 1.01 + (cutUploads + (refused[1] ?? 0)) * line.cutEveryBytes);
      for (const [n, { exchanges }] of [from, to].entries()) {
        expect(refused[n]).toBe(Math.floor(exchanges.length / 10));
      }
    });
  });
}

/** A line that is cut and slow, on which every tenth request is answered with 429 and 503 in turn. */
function badLine(): (exchange: Exchange) => Fault {
  let requests = 0;
  let owed = 0;
  return ({ requestHeaders }) => {
    requests += 1;
    if (requests % 10 === 0) owed += 1;
    // a longer body does not come through, so there is nothing to answer
    const isCutBefore = Number(requestHeaders["content-length"] ?? 0) >= line.cutEveryBytes;
    if (owed === 0 || isCutBefore) return { kind: "line", ...line };
    owed -= 1;
    return { kind: "answer", status: requests % 20 === 0 ? 429 : 503 };
  };
}

const isRefused = ({ status }: Exchange) => status === 429 || status === 503;

/** Expects that every read goes on where what came before may have ended, by a closed range, and never goes back further. */
function expectContinued(first: Exchange | undefined, rest: readonly Exchange[], size: number): void {
  expect(first).toMatchObject({ range: undefined, status: 200 });
  let reached = first?.responseBytes ?? 0;
  for (const { range, status, responseBytes } of rest) {
    const [, begin = "", end = ""] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
    expect({ status, end: Number(end) }).toEqual({ status: 206, end: size - 1 });
    expect(Number(begin)).toBeLessThanOrEqual(reached);
    expect(Number(begin)).toBeGreaterThanOrEqual(reached - line.cutEveryBytes);
    reached = Number(begin) + responseBytes;
  }
  expect(reached).toBe(size);
}

/** A layer with one file that does not compress, and is the same every time. */
function layerOf(path: string, size: number) {
  return { files: [{ path: `${path.split("/")[0]}/` }, { path, content: randomContent(path, size) }] };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
