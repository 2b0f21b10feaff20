import { randomInt } from "node:crypto";
import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type FaultScene, faultScene } from "../support/fault-scene.ts";
import type { Exchange } from "../support/recording-proxy.ts";
import { registryKinds } from "../support/registries.ts";
import { describeWith } from "../support/tools.ts";

/** Numbers below one that a seed decides. */
function drawn(seed: number, count: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  });
}

const sizeOf = ({ requestHeaders }: Exchange): number => Number(requestHeaders["content-length"] ?? 0);
const isBody = ({ method }: Exchange): boolean => method === "PUT" || method === "PATCH";

for (const kind of registryKinds) {
  describeWith(["cli", ...kind.needs], `a push that is killed, with ${kind.name}`, () => {
    let scene: FaultScene;
    beforeAll(async () => {
      scene = await faultScene(await kind.start(), kind.resumesUploads);
    });
    afterAll(() => scene.stop());

    test("leaves every tag at a complete image, and is done by running it again, wherever it was killed", async () => {
      const seed = Number(process.env.KILL_SEED ?? randomInt(2 ** 31));
      console.info(`KILL_SEED=${seed} repeats the byte counts with ${kind.name}`);
      const { proxy, compose, expectWhole, fresh } = scene;
      const { registry, names } = scene.scene;
      const kept = `${registry.host}/scene/app:kept`;
      let total = 0;
      for (const exchange of proxy.exchanges) if (isBody(exchange)) total += sizeOf(exchange);

      let isOver = false;
      const seen = new Set<string>();
      const pulling = (async () => {
        while (!isOver) seen.add(await expectWhole(kept));
      })();
      for (const share of drawn(seed, 10)) {
        const at = Math.floor(share * total);
        const changes = { ...fresh(), tag: names.targetByProxy };
        let before = 0;
        let reached: (() => void) | undefined;
        const atByte = new Promise<void>((resolve) => {
          reached = resolve;
        });
        proxy.fault = (exchange) => {
          if (!isBody(exchange)) return undefined;
          const begins = before;
          before += sizeOf(exchange);
          if (at < begins || at >= before) return undefined;
          const watch = setInterval(() => {
            if (exchange.requestBytes < at - begins) return;
            clearInterval(watch);
            reached?.();
          }, 1);
          return { kind: "stall-request", afterBytes: at - begins };
        };
        const killed = await compose("killed", changes, { interrupt: { when: atByte, signal: "SIGKILL" } });
        expect([killed.signal, killed.stdout], killed.stderr).toEqual(["SIGKILL", ""]);
        expect(await readdir(killed.temporary)).toEqual([]);
        proxy.fault = undefined;
        const again = await compose("killed", changes);
        expect(again.status, again.stderr).toBe(0);
        expect(again.stdout).toContain(await expectWhole(kept));
      }
      isOver = true;
      await pulling;
      expect(seen.size).toBeGreaterThan(1);
    });
  });
}
