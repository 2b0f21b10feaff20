import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Call } from "../src/io/call.ts";
import type { LayoutStore } from "../src/store/layout/layout-store.ts";
import { runCommand, startCommand } from "./command.ts";
import { imageNames } from "./images/bench-images.ts";

/** A registry on loopback that holds the benches' images. */
export interface BenchRegistry {
  readonly name: string;
  /** `127.0.0.1:PORT` */
  readonly host: string;
  stop(): Promise<void>;
}

/** Serves the layout itself by the built command. */
export async function startEmbeddedRegistry(
  main: string,
  layout: LayoutStore,
  call: Call,
): Promise<BenchRegistry> {
  const { ready, stop } = await startCommand(
    process.execPath,
    [main, "serve", layout.directory, "--writable", "--listen", "127.0.0.1:0"],
    /listening on http:\/\/(\S+)/,
    call,
  );
  return { name: "compose-image serve", host: ready[1] ?? "", stop };
}

/** Starts Debian's docker-registry and has skopeo push the layout's images to it. */
export async function startDockerRegistry(
  directory: string,
  layout: LayoutStore,
  call: Call,
): Promise<BenchRegistry> {
  const registry = await startEmptyDockerRegistry(directory, "docker-registry", call);
  for (const name of Object.values(imageNames)) {
    const args = ["copy", "--quiet", "--dest-tls-verify=false"];
    const places = [`oci:${layout.directory}:${name}`, `docker://${registry.host}/${name}`];
    await runCommand("skopeo", [...args, ...places], {}, call);
  }
  return registry;
}

/** @param label of its files in the directory. */
export async function startEmptyDockerRegistry(
  directory: string,
  label: string,
  call: Call,
): Promise<BenchRegistry> {
  const storage = join(directory, label);
  mkdirSync(storage);
  const config = join(directory, `${label}.json`);
  writeFileSync(
    config,
    JSON.stringify({
      version: 0.1,
      log: { level: "info", accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: storage }, cache: { blobdescriptor: "inmemory" } },
      http: { addr: "127.0.0.1:0" },
    }),
  );
  const ready = /listening on (127\.0\.0\.1:\d+)/;
  const service = await startCommand("docker-registry", ["serve", config], ready, call);
  return { name: "docker-registry", host: service.ready[1] ?? "", stop: service.stop };
}
