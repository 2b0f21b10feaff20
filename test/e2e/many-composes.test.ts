import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { forEachConcurrently } from "../../src/io/concurrency.ts";
import { type MadeImage, makeImage, pushMade } from "../support/make-image.ts";
import { type ProcessPeak, watchProcess } from "../support/process-watch.ts";
import { readImage } from "../support/read-image.ts";
import { registryKinds } from "../support/registries.ts";
import type { Registry } from "../support/registry.ts";
import { runCli } from "../support/run-cli.ts";
import { describeWith } from "../support/tools.ts";

const composes = 64;
const atOnce = 8;
/** Of one compose, and of the registry. */
const limits = { descriptors: 200, memory: 250_000_000 } as const;
/** Bytes of each of the builder's three files, which do not compress. */
const fileSize = 1024 * 1024;

for (const kind of registryKinds) {
  describeWith(["cli", ...kind.needs], `${composes} composes with ${kind.name}`, () => {
    let registry: Registry;
    let builder: MadeImage;

    beforeAll(async () => {
      registry = await kind.start();
      const files = (name: string) => [
        { path: "app/" },
        { path: `app/${name}`, content: randomBytes(fileSize) },
      ];
      builder = makeImage({ layers: ["a", "b", "c"].map((name) => ({ files: files(name) })) });
      const base = makeImage({
        layers: [{ files: [{ path: "etc/" }, { path: "etc/base", content: randomBytes(fileSize) }] }],
      });
      await pushMade(builder, registry.url, "many/builder:1");
      await pushMade(base, registry.url, "many/base:1");
    });
    afterAll(() => registry.stop());

    test(`all succeed, ${atOnce} at a time, with few descriptors and little memory each`, async () => {
      const ended = new AbortController();
      const registryPeak = watchProcess(registry.pid, ended.signal);
      const watches: Promise<ProcessPeak>[] = [];
      const compose = async (n: number): Promise<void> => {
        const name = `${registry.host}/many/app-${n % 16}`;
        const result = await runCli(
          [
            ...["--builder", `${registry.host}/many/builder:1`, "--base", `${registry.host}/many/base:1`],
            // each has a new layer of its own
            ...["--directory", "/app:/srv", "--chown", `${1000 + n}:${n}`, "--tag", `${name}:${n}`],
          ],
          { onStart: (pid) => watches.push(watchProcess(pid)) },
        );
        expect(result, result.stderr).toMatchObject({ status: 0, stdout: expect.stringContaining(name) });
        expect(await readdir(result.temporary)).toEqual([]);
        const { digest, top } = await readImage(`${name}:${n}`);
        expect(result.stdout).toBe(`${name}@${digest}\n`);
        expect(top.entries.get("srv/a")?.header).toMatchObject({ uid: 1000 + n, gid: n, size: fileSize });
      };
      const numbers = Array.from({ length: composes }, (_, n) => n);
      await forEachConcurrently(numbers, atOnce, compose, unstoppable);
      ended.abort();

      const peaks = await Promise.all(watches);
      const descriptors = Math.max(...peaks.map((peak) => peak.descriptors));
      const memory = Math.max(...peaks.map((peak) => peak.memory));
      const serving = await registryPeak;
      console.log(
        `${composes} composes, ${atOnce} at a time, with ${kind.name}: at most ${descriptors} descriptors and ` +
          `${megabytes(memory)} MB for one; the registry ${serving.descriptors} and ${megabytes(serving.memory)} MB`,
      );
      expect(peaks).toHaveLength(composes);
      expect(descriptors).toBeGreaterThan(3);
      expect(descriptors).toBeLessThan(limits.descriptors);
      expect(memory).toBeGreaterThan(10_000_000);
      expect(memory).toBeLessThan(limits.memory);
      expect(serving.descriptors).toBeLessThan(limits.descriptors);
      expect(serving.memory).toBeLessThan(limits.memory);
    });
  });
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
