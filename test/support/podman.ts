import { join } from "node:path";
import { type CommandResult, run } from "./command.ts";
import { temporaryDirectory } from "./temp.ts";

/** podman(1) with a store of its own, as root; nothing is run in it. */
export interface Podman {
  /** What `podman load` prints of an archive: the names it gave. */
  load(archive: string): Promise<string>;
  /** An image as `podman save` writes it, in docker's format. */
  save(name: string): Promise<Buffer>;
}

/** A podman whose images live in a temporary directory, by the vfs driver. */
export async function createPodman(): Promise<Podman> {
  const store = await temporaryDirectory("podman");
  const storeArgs = [
    "--root",
    join(store, "root"),
    "--runroot",
    join(store, "run"),
    "--storage-driver",
    "vfs",
  ];
  const env = { ...process.env, TMPDIR: store, HOME: store };
  const podman = (...args: string[]): Promise<CommandResult["stdout"]> =>
    run("podman", [...storeArgs, ...args], { env });
  return {
    load: async (archive) => (await podman("load", "--quiet", "--input", archive)).toString(),
    save: (name) => podman("save", "--quiet", "--format", "docker-archive", name),
  };
}
