import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** How {@link run} and {@link attempt} start a program. */
export interface CommandOptions {
  readonly cwd?: string | undefined;
  /** The whole environment; default: this process's. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Given on standard input; default: nothing. */
  readonly input?: string | undefined;
  /** Whether standard input stays open, for `onStart` to write to. */
  readonly keepInputOpen?: boolean | undefined;
  /** Ends the program with SIGKILL when aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Called once the program runs, with the child to send signals to. */
  readonly onStart?: ((child: ChildProcess) => void) | undefined;
}

/** How a program ended and what it wrote. */
export interface CommandResult {
  /** The exit status; `null` when a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs a program without a shell to its end, whatever its exit status. */
export async function attempt(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ["pipe", "pipe", "pipe"],
    signal: options.signal,
    killSignal: "SIGKILL",
  });
  child.stdin.on("error", () => {});
  if (options.keepInputOpen !== true) child.stdin.end(options.input ?? "");
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  child.once("spawn", () => options.onStart?.(child));
  const [status, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { status, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() };
}

/**
 * Runs a program without a shell to its end and gives its standard output.
 *
 * @throws Error with the command and both outputs unless the exit status is 0.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Buffer> {
  const result = await attempt(program, args, options);
  if (result.status !== 0) {
    const ending = result.signal ?? `exit status ${result.status}`;
    throw new Error(
      `${program} ${args.join(" ")}: ${ending}\n${result.stderr}${result.stdout.toString().slice(-4000)}`,
    );
  }
  return result.stdout;
}
