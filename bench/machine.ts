import { cpus, release, totalmem } from "node:os";
import type { Call } from "../src/io/call.ts";
import { runCommand } from "./command.ts";

/** What a bench ran on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  /** Bytes. */
  readonly memory: number;
  readonly kernel: string;
  /** Of the folder that everything was in. */
  readonly fileSystem: string;
  /** What the commands say of their versions. */
  readonly versions: Readonly<Record<string, string>>;
}

/** @param directory what the benches write to. */
export async function describeMachine(directory: string, call: Call): Promise<Machine> {
  const firstLine = async (program: string, ...args: string[]): Promise<string> =>
    (await runCommand(program, args, {}, call)).split("\n").at(0)?.trim() ?? "";
  const number = (text: string): string => /\d+\.\d+[\w.~+-]*/.exec(text)?.[0] ?? text;
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memory: totalmem(),
    kernel: release(),
    fileSystem: await firstLine("stat", "--file-system", "--format=%T", directory),
    versions: {
      node: process.version.slice(1),
      buildah: number(await firstLine("buildah", "--version")),
      skopeo: number(await firstLine("skopeo", "--version")),
      "docker-registry": number(await firstLine("docker-registry", "--version")),
      hyperfine: number(await firstLine("hyperfine", "--version")),
    },
  };
}
