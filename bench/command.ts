import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import type { Call } from "../src/io/call.ts";

/** A command that goes on running. */
export interface RunningCommand {
  readonly pid: number;
  /** What `ready` matched. */
  readonly ready: RegExpExecArray;
  stop(): Promise<void>;
}

/** Neither credentials nor proxies nor settings of whoever runs this take part. */
const environment = {
  PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin`,
  TMPDIR: tmpdir(),
  ...(process.env.TERM !== undefined && { TERM: process.env.TERM }),
};

/**
 * Starts a command that runs until it is stopped, and waits for a line of its standard error.
 *
 * @throws Error with what it wrote, when it ends before that line.
 */
export async function startCommand(
  program: string,
  args: readonly string[],
  ready: RegExp,
  call: Call,
): Promise<RunningCommand> {
  call.signal.throwIfAborted();
  const child = spawn(program, args, { env: environment, stdio: ["ignore", "ignore", "pipe"] });
  const closed = untilClosed(child);
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await closed;
  };
  let output = "";
  const matched = new Promise<RegExpExecArray>((resolve) => {
    child.stderr.on("data", (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-100_000);
      const match = ready.exec(output);
      if (match !== null) resolve(match);
    });
  });
  const ended = closed.then(() => undefined);
  call.signal.addEventListener("abort", stop, { once: true });
  const first = await Promise.race([matched, ended]);
  call.signal.removeEventListener("abort", stop);
  if (call.signal.aborted) await stop();
  call.signal.throwIfAborted();
  if (first === undefined || child.pid === undefined)
    throw new Error(`${program} ${args.join(" ")} ended at once:\n${output}`);
  return { pid: child.pid, ready: first, stop };
}

/** How {@link runCommand} runs a command. */
export interface CommandOptions {
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** `show`: its standard error is this process's; `keep` (default): it is part of the message when it fails. */
  readonly errors?: "show" | "keep";
}

/**
 * Runs a command to its end.
 *
 * @returns its standard output.
 * @throws Error unless the exit status is 0.
 */
export async function runCommand(
  program: string,
  args: readonly string[],
  { env = {}, errors = "keep" }: CommandOptions,
  call: Call,
): Promise<string> {
  call.signal.throwIfAborted();
  const child = spawn(program, args, {
    env: { ...environment, ...env },
    stdio: ["ignore", "pipe", errors === "show" ? "inherit" : "pipe"],
  });
  const stop = (): boolean => child.kill("SIGTERM");
  call.signal.addEventListener("abort", stop, { once: true });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.on("data", (chunk: Buffer) => {
      output[name] += chunk.toString();
    });
  }
  const [status, signal] = await untilClosed(child);
  call.signal.removeEventListener("abort", stop);
  call.signal.throwIfAborted();
  if (status === 0) return output.stdout;
  const ending = signal ?? `exit status ${status}`;
  throw new Error(`${program} ${args.join(" ")} failed (${ending})\n${output.stderr}`.trimEnd());
}

/** How the child ends; should this process be gone before, it ends the child first. */
async function untilClosed(child: ChildProcess): Promise<[number | null, string | null]> {
  const kill = (): boolean => child.kill("SIGKILL");
  process.once("exit", kill);
  try {
    return (await once(child, "close")) as [number | null, string | null];
  } finally {
    process.removeListener("exit", kill);
  }
}
