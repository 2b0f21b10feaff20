import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Registry } from "./registry.ts";
import { cliPath, isolatedEnvironment } from "./run-cli.ts";
import { expectNoSecrets } from "./secrets.ts";
import { startService } from "./service.ts";
import { temporaryDirectory } from "./temp.ts";

/** Starts the project's own registry (`serve --writable`) on a free port, over an empty layout directory. */
export async function startEmbeddedRegistry(): Promise<Registry> {
  const directory = join(await temporaryDirectory("embedded-layout"), "layout");
  await mkdir(directory);
  return startServe(directory, "--writable");
}

/** Starts `serve` over what is there, on a free port. */
export async function startServe(directory: string, ...flags: readonly string[]): Promise<Registry> {
  const home = await temporaryDirectory("embedded-registry");
  const temporary = join(home, "tmp");
  await mkdir(temporary);
  const service = await startService(
    process.execPath,
    [cliPath, "serve", directory, ...flags, "--listen", "127.0.0.1:0"],
    /listening on (http:\/\/(127\.0\.0\.1:\d+))/,
    { env: isolatedEnvironment(home, temporary) },
  );
  const [, url = "", host = ""] = service.ready;
  return {
    ...{ host, url, pid: service.pid, directory, log: service.log },
    async stop() {
      await service.stop();
      expectNoSecrets(service.log(), `compose-image serve ${directory}`);
    },
  };
}
