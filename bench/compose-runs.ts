import { mkdirSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { setInterval } from "node:timers";
import type { Call } from "../src/io/call.ts";
import { runCommand } from "./command.ts";
import { imageNames, replacedFolder, selection } from "./images/bench-images.ts";
import { extremeFolder, extremeNames } from "./images/extreme-images.ts";

/** The images that are composed from: name and what is copied. */
const composedFrom = {
  builder: [imageNames.builder, selection],
  doubled: [imageNames.doubled, selection],
  replaced: [imageNames.replaced, replacedFolder],
  million: [extremeNames.million, extremeFolder],
  zeros: [extremeNames.zeros, extremeFolder],
} as const;

/** An image that is composed from. */
export type ComposedFrom = keyof typeof composedFrom;

/** Where and with what to compose. */
export interface ComposeRuns {
  /** The built command's script. */
  readonly main: string;
  /** The registry that has the images and takes the result. */
  readonly host: string;
  /** For what is written beside. */
  readonly directory: string;
}

/** What one run said of itself. */
export interface ComposedLayer {
  /** Compressed bytes. */
  readonly size: number;
  /** Bytes of the uncompressed tar. */
  readonly tarSize: number;
  readonly entries: number;
}

/**
 * The command's arguments. Each run has to name another target, for a registry answers faster about what it has seen.
 *
 * @param target `repository:tag`
 */
export function composeArguments(host: string, image: ComposedFrom, target: string): string[] {
  const [name, folder] = composedFrom[image];
  return [
    "compose",
    ...["--builder", `${host}/${name}`],
    ...["--base", `${host}/${imageNames.base}`],
    ...["--directory", `${folder}:/run/app`],
    ...["--workdir", "/run/app"],
    ...["--entrypoint", '["node","server.js"]'],
    ...["--tag", `${host}/${target}`],
  ];
}

/** Peak resident memory of one compose, in bytes, as GNU time has it from the kernel. */
export async function peakMemory(
  { main, host, directory }: ComposeRuns,
  image: ComposedFrom,
  target: string,
  call: Call,
): Promise<number> {
  const report = join(directory, "peak-memory");
  const args = [main, ...composeArguments(host, image, target), "--quiet"];
  await runCommand(
    "/usr/bin/time",
    ["--format=%M", `--output=${report}`, process.execPath, ...args],
    {},
    call,
  );
  return Number(readFileSync(report, "utf8")) * 1024;
}

/** Temporary disk of one compose. */
export interface TemporaryDisk {
  /** The selection's uncompressed bytes plus the compressed layer. */
  readonly bound: number;
  /** The most that was seen in use, looking every few milliseconds. */
  readonly peak: number;
  /** Size of the file system that was all there was, bytes. */
  readonly fileSystemSize: number;
}

/** What a file system of the bound's size has to have beside it: pages that are not full. */
const fileSystemSlack = 256 * 1024;

/**
 * Composes the image whose large file is replaced in six layers, with nothing held in memory and with room for the
 * bound and no more: a tmpfs is where temporary files go. Needs root, which may mount one.
 *
 * @throws Error when the bound does not do.
 */
export async function temporaryDisk(
  { main, host, directory }: ComposeRuns,
  target: string,
  call: Call,
): Promise<TemporaryDisk> {
  const args = [main, ...composeArguments(host, "replaced", target), "--quiet", "--json", "--memory-limit=0"];
  const rehearsal = await runCommand(process.execPath, [...args, "--dry-run=full"], {}, call);
  const { layer } = JSON.parse(rehearsal) as { layer: ComposedLayer };
  const bound = layer.tarSize + layer.size;
  const fileSystemSize = bound + fileSystemSlack;
  const mountPoint = join(directory, "tmpfs");
  mkdirSync(mountPoint);
  await runCommand("mount", ["-t", "tmpfs", "-o", `size=${fileSystemSize}`, "tmpfs", mountPoint], {}, call);
  let peak = 0;
  const watch = setInterval(() => {
    const { blocks, bfree, bsize } = statfsSync(mountPoint);
    peak = Math.max(peak, (blocks - bfree) * bsize);
  }, 5);
  try {
    await runCommand(process.execPath, args, { env: { TMPDIR: mountPoint } }, call);
  } finally {
    clearInterval(watch);
    await runCommand("umount", [mountPoint], {}, { signal: new AbortController().signal });
    rmSync(mountPoint, { recursive: true });
  }
  return { bound, peak, fileSystemSize };
}
