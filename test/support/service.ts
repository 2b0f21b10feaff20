import { spawn } from "node:child_process";
import { once } from "node:events";

/** A program that runs until it is stopped. */
export interface Service {
  readonly pid: number;
  /** What the pattern matched in the line that said the program is ready. */
  readonly ready: RegExpExecArray;
  /** Everything it wrote so far, both outputs. */
  log(): string;
  /** Ends it and waits for its end; the second call does nothing. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Its exit status; `null` while it runs, and when a signal ended it. */
  status(): number | null;
}

/** How {@link startService} starts a program. */
export interface ServiceOptions {
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Milliseconds to wait for the ready line; default 30000. */
  readonly readyWithin?: number | undefined;
}

/**
 * Starts a program and waits for a line of its output that matches `ready`. It ends with this process at the latest.
 *
 * @throws Error with the output when the program ends before, or the line does not come in time.
 */
export async function startService(
  program: string,
  args: readonly string[],
  ready: RegExp,
  options: ServiceOptions = {},
): Promise<Service> {
  const child = spawn(program, args, { env: options.env ?? process.env, stdio: ["ignore", "pipe", "pipe"] });
  const killWithUs = () => child.kill("SIGKILL");
  process.once("exit", killWithUs);
  const closed = once(child, "close").finally(() => process.removeListener("exit", killWithUs));
  let output = "";
  const matched = new Promise<RegExpExecArray>((resolve) => {
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
      const match = ready.exec(output);
      if (match !== null) resolve(match);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
  });
  const deadline = AbortSignal.timeout(options.readyWithin ?? 30_000);
  const match = await Promise.race([
    matched,
    closed.then(() => undefined),
    new Promise<undefined>((resolve) => deadline.addEventListener("abort", () => resolve(undefined))),
  ]);
  if (match === undefined || child.pid === undefined) {
    child.kill("SIGKILL");
    throw new Error(`${program} ${args.join(" ")}: never said ${ready}\n${output}`);
  }
  return {
    pid: child.pid,
    ready: match,
    log: () => output,
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      await closed;
    },
    status: () => child.exitCode,
  };
}
