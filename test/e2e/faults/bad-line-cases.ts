import { randomBytes } from "node:crypto";
import { expect } from "vitest";
import type { ComposeArguments } from "../../support/compose-scene.ts";
import { makeImage } from "../../support/make-image.ts";
import type { Fault } from "../../support/proxy-fault.ts";
import { readImage } from "../../support/read-image.ts";
import type { Exchange } from "../../support/recording-proxy.ts";
import type { FaultCases } from "./fault-case.ts";

const megabyte = 1_000_000;
const cutEveryBytes = 8 * megabyte;

/** Every tenth request is answered with 429 or 503, and all others go over a bad line. */
function badLine(): (exchange: Exchange) => Fault {
  let count = 0;
  return () => {
    count += 1;
    if (count % 10 !== 0) return { kind: "line", cutEveryBytes, bytesPerSecond: 20 * megabyte };
    return { kind: "answer", status: count % 20 === 0 ? 429 : 503, headers: { "retry-after": "0" } };
  };
}

/** The bytes that a request asked for and got begin here. */
const beginsAt = ({ range }: Exchange): number => Number(/^bytes=(\d+)-/.exec(range ?? "")?.[1] ?? 0);

/** A line that is bad in every way at once. */
export const badLineCases: FaultCases = {
  "bad-line": async ({ proxy, storage, compose, expectWhole, scene }) => {
    const { host, url } = scene.registry;
    const files = (path: string, size: number) => ({
      layers: [{ files: [{ path: `${path}/` }, { path: `${path}/data`, content: randomBytes(size) }] }],
    });
    const base = await scene.add("line-base", makeImage(files("base", 105 * megabyte)));
    const builder = await scene.add("line-builder", makeImage(files("app", 21 * megabyte)));
    const at = (name: string): ComposeArguments => ({
      builder: builder.replace(host, proxy.host),
      base: base.replace(host, storage.host),
      tag: `${proxy.host}/faults/${name}:1`,
    });
    const plain = await compose("line-plain", at("line-plain"));
    expect(plain.status, plain.stderr).toBe(0);
    proxy.forget();
    storage.forget();
    proxy.fault = badLine();
    storage.fault = badLine();

    const result = await compose("line", at("line"));
    expect(result.status, result.stderr).toBe(0);
    const digest = await expectWhole(`${host}/faults/line:1`);
    expect(digest).toBe((await readImage(`${host}/faults/line-plain:1`)).digest);
    const { layers } = (await readImage(`${host}/faults/line:1`)).manifest;
    expect(layers.map(({ size }) => size)).toEqual([
      expect.toSatisfy((size: number) => size > 100 * megabyte),
      expect.toSatisfy((size: number) => size > 20 * megabyte),
    ]);

    const reads = [...storage.exchanges, ...proxy.exchanges].filter(
      ({ method, path, status }) =>
        method === "GET" && path.includes("/blobs/sha256:") && (status === 200 || status === 206),
    );
    const byBlob = Map.groupBy(reads, ({ path }) => path);
    expect(byBlob.size).toBe(4);
    for (const [path, parts] of byBlob) {
      const cuts = parts.filter(({ finished }) => !finished).length;
      const answer = await fetch(`${url}${path}`, { method: "HEAD" });
      const size = Number(answer.headers.get("content-length"));
      const delivered = parts.reduce((sum, { responseBytes }) => sum + responseBytes, 0);
      expect(delivered).toBeLessThanOrEqual(size + cuts * cutEveryBytes);
      // each part goes on behind the one before, so none is begun again
      const begins = parts.map(beginsAt);
      expect(begins).toEqual(begins.toSorted((a, b) => a - b));
      expect(new Set(begins).size).toBe(begins.length);
      if (size > cutEveryBytes) expect(cuts).toBeGreaterThan(0);
    }
  },
};
