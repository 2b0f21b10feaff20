import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type ComposeScene, composeScene } from "../support/compose-scene.ts";
import type { Exchange } from "../support/recording-proxy.ts";
import { expectRefusal, type Refusal } from "../support/refusal.ts";
import { registryKinds } from "../support/registries.ts";
import { runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

const never = new Promise<never>(() => {});

const endings: readonly { readonly signal: "SIGINT" | "SIGTERM"; readonly refusal: Refusal }[] = [
  {
    signal: "SIGINT",
    refusal: { status: 130, code: "SIGINT", message: ["interrupted; no tag was moved"], hint: "again" },
  },
  {
    signal: "SIGTERM",
    refusal: { status: 143, code: "SIGTERM", message: ["terminated; no tag was moved"], hint: "again" },
  },
];

for (const kind of registryKinds) {
  describeWith(["cli", ...kind.needs], `a signal, with ${kind.name}`, () => {
    let scene: ComposeScene;

    beforeAll(async () => {
      scene = await composeScene(await kind.start(), 6 * 1024 * 1024);
    });
    afterEach(() => {
      scene.proxy.fault = undefined;
      scene.proxy.forget();
    });
    afterAll(() => scene.stop());

    const isLayerRead = ({ method, path }: Exchange): boolean =>
      method === "GET" && path.endsWith(scene.builderLayer);
    const isUpload = ({ method, path }: Exchange): boolean =>
      method === "PUT" && path.includes("/blobs/uploads/");

    for (const { signal, refusal } of endings) {
      test(`${signal} while a layer is read leaves nothing`, async () => {
        scene.proxy.fault = (exchange) =>
          isLayerRead(exchange) ? { kind: "stall-response", afterBytes: 4_000_000 } : undefined;
        const stalled = scene.proxy
          .seen(isLayerRead)
          .then((exchange) => until(() => exchange.responseBytes === 4_000_000));
        await scene.refused({ builder: scene.names.builderByProxy, "memory-limit": "0" }, refusal, {
          interrupt: { when: stalled, signal },
        });
      });

      test(`${signal} while a layer is sent leaves nothing, and cancels the upload`, async () => {
        scene.proxy.fault = (exchange) => (isUpload(exchange) ? { kind: "hold", until: never } : undefined);
        await scene.refused({ tag: scene.names.targetByProxy }, refusal, {
          interrupt: { when: scene.proxy.seen(isUpload), signal },
        });
        const sessions = scene.proxy.exchanges.filter(({ method }) => method === "POST");
        const cancelled = scene.proxy.exchanges.filter(({ method }) => method === "DELETE");
        expect(sessions.length).toBeGreaterThan(0);
        expect(cancelled.map(({ status }) => status)).toEqual(sessions.map(() => 204));
      });
    }

    test("SIGINT while a retry is waited for ends the wait", async () => {
      const headers = { "retry-after": "50" };
      scene.proxy.fault = (exchange) =>
        isLayerRead(exchange) ? { kind: "answer", status: 503, headers } : undefined;
      const answered = scene.proxy.seen(isLayerRead).then((exchange) => until(() => exchange.finished));
      await scene.refused({ builder: scene.names.builderByProxy }, ofSigint, {
        interrupt: { when: answered.then(() => sleep(100)) },
      });
      expect(scene.proxy.exchanges.filter(isLayerRead)).toHaveLength(1);
    });

    test("SIGINT while an image goes into a layout and an archive leaves neither with it, and no other files", async () => {
      const directory = join(await temporaryDirectory("interrupted-layout"), "app");
      const archives = await temporaryDirectory("interrupted-archive");
      const tag = [`oci:${directory}:1`, `oci-archive:${join(archives, "a.tar")}`];
      const { digest = "" } = scene.base.layers[0]?.descriptor ?? {};
      const isBaseRead = ({ path }: Exchange): boolean => path.endsWith(digest);
      scene.proxy.fault = (exchange) => (isBaseRead(exchange) ? { kind: "hold", until: never } : undefined);
      await scene.refused({ base: `${scene.proxy.host}/scene/base:1`, tag }, ofSigint, {
        interrupt: { when: scene.proxy.seen(isBaseRead) },
      });
      expect((await readdir(directory)).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
      expect(JSON.parse(await readFile(join(directory, "index.json"), "utf8")).manifests).toEqual([]);
      expect(await readdir(archives)).toEqual([]);
    });

    test("SIGINT between two tags says which one was moved", async () => {
      const second = ({ method, path }: Exchange): boolean =>
        method === "PUT" && path.endsWith("/manifests/second");
      scene.proxy.fault = (exchange) => (second(exchange) ? { kind: "hold", until: never } : undefined);
      const name = `${scene.proxy.host}/scene/two-tags`;
      const result = await runCli(scene.arguments({ tag: [`${name}:first`, `${name}:second`] }), {
        interrupt: { when: scene.proxy.seen(second) },
      });
      await expectRefusal(result, {
        status: 130,
        code: "SIGINT",
        message: [`interrupted; moved before: ${name}:first `],
        hint: "again",
      });
    });

    test("SIGINT while a credential helper is asked ends the helper, too", async () => {
      const folder = await temporaryDirectory("helper");
      const pidFile = join(folder, "pid");
      const helper = join(folder, "docker-credential-slow");
      await writeFile(helper, `#!/bin/sh\necho $$ > ${pidFile}\nexec sleep 300\n`);
      await chmod(helper, 0o755);
      const authfile = join(folder, "auth.json");
      await writeFile(authfile, JSON.stringify({ credHelpers: { [scene.proxy.host]: "slow" } }));
      const headers = { "www-authenticate": 'Basic realm="scene"' };
      scene.proxy.fault = () => ({ kind: "answer", status: 401, headers });
      const pid = until(async () => Number(await readFile(pidFile, "utf8").catch(() => "")) || undefined);
      await scene.refused({ builder: scene.names.builderByProxy, authfile }, ofSigint, {
        env: { PATH: [folder, process.env.PATH].join(delimiter) },
        interrupt: { when: pid },
      });
      const started = await pid;
      await until(() => !isRunning(started));
    });
  });
}

const ofSigint: Refusal = {
  status: 130,
  code: "SIGINT",
  message: ["interrupted; no tag was moved"],
  hint: "again",
};

/** Waits for something to be the case, and gives what it came to. */
async function until<T>(probe: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== null && found !== false) return found;
    await sleep(10);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
