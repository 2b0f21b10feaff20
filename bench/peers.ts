import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Call } from "../src/io/call.ts";
import { runCommand } from "./command.ts";
import { composeArguments } from "./compose-runs.ts";
import { imageNames, selection } from "./images/bench-images.ts";

/** A command that is timed. */
export interface TimedCommand {
  readonly name: string;
  /** For bash. `$RUN` is another number each time. */
  readonly command: string;
}

/** How long a command took, in seconds. */
export interface Timing {
  readonly name: string;
  readonly command: string;
  readonly mean: number;
  readonly stddev: number;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Of processes in the mean run, which says how much of the machine was used. */
  readonly user: number;
  readonly system: number;
  readonly runs: readonly number[];
}

/** What is timed, with a folder for stores and two registries. */
export interface TimedPlaces {
  readonly main: string;
  readonly directory: string;
  /** Of docker-registry. */
  readonly host: string;
  /** Of `compose-image serve`. */
  readonly embeddedHost: string;
}

/** The two-stage Dockerfile that asks for what the compose is asked for. */
export function dockerfile(host: string): string {
  return [
    `FROM ${host}/${imageNames.builder} AS builder`,
    `FROM ${host}/${imageNames.base}`,
    `COPY --from=builder ${selection} /run/app`,
    "WORKDIR /run/app",
    'ENTRYPOINT ["node","server.js"]',
    "",
  ].join("\n");
}

/** The project's own runs, and everyone's who can do the work or a part of it; the first is what others compare with. */
export function timedCommands({ main, directory, host, embeddedHost }: TimedPlaces): TimedCommand[] {
  const context = join(directory, "context");
  mkdirSync(context);
  writeFileSync(join(context, "Dockerfile"), dockerfile(host));
  const compose = (registry: string): string =>
    shell([
      process.execPath,
      main,
      ...composeArguments(registry, "builder", "bench/out-$RUN:1"),
      "--no-cache",
      "--quiet",
    ]);
  const store = `${directory}/store-$RUN`;
  const buildah = `buildah --storage-driver overlay --root ${store}/root --runroot ${store}/run`;
  const bud = `${buildah} bud --quiet --isolation chroot --tls-verify=false --tag localhost/out ${context}`;
  const push = `${buildah} push --quiet --tls-verify=false localhost/out docker://${host}/bench/out-$RUN:1`;
  const copy = (image: string): string =>
    `skopeo copy --quiet --src-tls-verify=false docker://${host}/${image} dir:${store}/${image.replace(/\W/g, "-")}`;
  return [
    { name: "compose-image, push included", command: compose(host) },
    { name: "compose-image, against its own registry", command: compose(embeddedHost) },
    { name: "buildah bud", command: bud },
    { name: "buildah bud and buildah push", command: `${bud} && ${push}` },
    {
      name: "skopeo copy of both images to disk",
      command: `${copy(imageNames.builder)} && ${copy(imageNames.base)}`,
    },
  ];
}

/**
 * Times commands with hyperfine: one run to warm up, then `runs`; before each, a new number, a new empty folder and a
 * file system with nothing to write.
 */
export async function time(
  commands: readonly TimedCommand[],
  directory: string,
  runs: number,
  call: Call,
): Promise<Timing[]> {
  const number = join(directory, "run");
  const report = join(directory, "hyperfine.json");
  const prepare = `date +%s%N >${number} && mkdir -p ${directory}/store-$(cat ${number}) && sync`;
  const args = ["--style=basic", "--shell=bash", "--warmup=1", `--runs=${runs}`, `--export-json=${report}`];
  const named = commands.flatMap(({ name, command }) => [
    "--command-name",
    name,
    `RUN=$(cat ${number}); ${command}`,
  ]);
  const env = { HOME: directory, TMPDIR: directory, BUILDAH_HISTORY: "false" };
  // buildah leaves its stores mounted over themselves; with a namespace of their own the mounts end with hyperfine
  await runCommand(
    "unshare",
    ["--mount", "hyperfine", ...args, "--prepare", prepare, ...named],
    { env, errors: "show" },
    call,
  );
  const { results } = JSON.parse(readFileSync(report, "utf8")) as { results: HyperfineResult[] };
  return results.map((result, i) => ({
    name: commands[i]?.name ?? result.command,
    command: publicCommand(commands[i]?.command ?? "", directory),
    mean: result.mean,
    stddev: result.stddev,
    median: result.median,
    min: result.min,
    max: result.max,
    user: result.user,
    system: result.system,
    runs: result.times,
  }));
}

interface HyperfineResult {
  readonly command: string;
  readonly mean: number;
  readonly stddev: number;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly user: number;
  readonly system: number;
  readonly times: readonly number[];
}

/** Without the paths and ports of one machine at one time. */
export function publicCommand(command: string, directory: string): string {
  return command
    .replaceAll(directory, "$DIR")
    .replaceAll(process.execPath, "node")
    .replace(/\S*\/dist\//g, "dist/")
    .replace(/127\.0\.0\.1:\d+/g, "$REGISTRY");
}

/** Quotes for bash; `$RUN` stays to be replaced. */
export function shell(args: readonly string[]): string {
  return args.map((arg) => (/^[\w./:=@$-]+$/.test(arg) ? arg : `'${arg}'`)).join(" ");
}
