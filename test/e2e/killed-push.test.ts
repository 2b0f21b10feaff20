import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Random } from "../fuzz/random.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { makeImage, pushMade } from "../support/make-image.ts";
import { randomContent } from "../support/random-content.ts";
import { type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.ts";
import { registryKinds } from "../support/registries.ts";
import type { Registry } from "../support/registry.ts";
import { type CliOptions, runCli } from "../support/run-cli.ts";
import { describeWith } from "../support/tools.ts";
import { pullWhole } from "../support/whole-image.ts";

const kills = 10;
/** How many of them come among the last bytes: configuration, manifest, tag. */
const late = 3;
const lateBytes = 3000;

/** `KILL_SEED=…` kills at the same byte counts again, but for the few bytes by which names differ. */
const seed = Number(process.env.KILL_SEED ?? randomBytes(4).readUInt32BE());

for (const kind of registryKinds) {
  describeWith(["cli", ...kind.needs], `kill -9 in the middle of a push, with ${kind.name}`, () => {
    let source: Registry;
    let registry: Registry;
    let proxy: RecordingProxy;
    const old = makeImage({ layers: [{ files: [{ path: "old", content: "old" }] }] });

    beforeAll(async () => {
      source = await startEmbeddedRegistry();
      registry = await kind.start();
      proxy = await startRecordingProxy(registry.url);
      const content = (name: string) => ({
        files: [{ path: `${name}/` }, { path: `${name}/file`, content: randomContent(name, 2_000_000) }],
      });
      await pushMade(makeImage({ layers: [content("app"), content("app/more")] }), source.url, "builder:1");
      await pushMade(makeImage({ layers: [content("usr"), content("etc")] }), source.url, "base:1");
    });
    afterAll(async () => {
      await proxy.stop();
      for (const started of [registry, source]) await started.stop();
    });

    const compose = (repository: string, options?: CliOptions) =>
      runCli(
        [
          ...["--builder", `${source.host}/builder:1`, "--base", `${source.host}/base:1`],
          ...["--directory", "/app", "--tag", `${proxy.host}/${repository}:kept`],
        ],
        options,
      );

    test(`leaves the tag at a whole image at all of ${kills} byte counts, and a rerun completes`, async () => {
      const undisturbed = await compose("push/undisturbed");
      expect(undisturbed, undisturbed.stderr).toMatchObject({ status: 0 });
      const digest = undisturbed.stdout.trim().replace(/^.*@/, "");
      const total = proxy.exchanges.reduce((sum, { requestBytes }) => sum + requestBytes, 0);

      const random = new Random(seed, kind.name);
      const counts = Array.from({ length: kills }, (_, n) =>
        n < kills - late ? 1 + random.below(total) : total - random.below(lateBytes),
      );
      console.log(`kill -9 with ${kind.name}: seed ${seed}, after ${counts.join(", ")} of ${total} bytes`);
      let pulls = 0;
      for (const [n, count] of counts.entries()) {
        const repository = `push/killed-${n}`;
        await pushMade(old, registry.url, `${repository}:kept`);
        const seen = new Set<string>();
        const pulling = pullWhile(
          async () => {
            proxy.forget();
            const killed = await compose(repository, {
              interrupt: { when: proxy.received(count), signal: "SIGKILL" },
            });
            expect(killed, `after ${count} bytes`).toMatchObject({
              status: null,
              signal: "SIGKILL",
              stdout: "",
            });
            expect(await readdir(killed.temporary)).toEqual([]);
            const again = await compose(repository);
            expect(again, again.stderr).toMatchObject({ status: 0 });
            expect(again.stdout).toBe(`${proxy.host}/${repository}@${digest}\n`);
          },
          async () => {
            seen.add(await pullWhole(registry.url, repository, "kept"));
            pulls += 1;
          },
        );
        await pulling;
        expect(await pullWhole(registry.url, repository, "kept")).toBe(digest);
        expect([...seen].filter((each) => each !== old.top.descriptor.digest && each !== digest)).toEqual([]);
      }
      console.log(`${pulls} pulls meanwhile, all of whole images`);
      expect(pulls).toBeGreaterThan(kills);
    });
  });
}

/** Pulls again and again while the work goes on. */
async function pullWhile(work: () => Promise<void>, pull: () => Promise<void>): Promise<void> {
  let goesOn = true;
  const pulling = async () => {
    while (goesOn) await pull();
  };
  const working = work().finally(() => {
    goesOn = false;
  });
  await Promise.all([working, pulling()]);
}
