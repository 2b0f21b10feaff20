import { fileURLToPath } from "node:url";
import { attempt, type CommandResult } from "./command.ts";
import { LeftFiles } from "./left-files.ts";
import { expectNoSecrets } from "./secrets.ts";
import { temporaryDirectory } from "./temp.ts";

/** The built command line. */
export const cliPath: string = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** How {@link runCli} runs the command. */
export interface CliOptions {
  /** Added to an environment that holds nothing of this process's but `PATH`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: an empty temporary directory. */
  readonly cwd?: string;
  /** Given on standard input; default: nothing. */
  readonly input?: string;
  /** Sends `signal` (default SIGINT) as soon as the promise resolves, if the command still runs then. */
  readonly interrupt?: { readonly when: Promise<unknown>; readonly signal?: NodeJS.Signals };
  /** Called with the process id once the command runs. */
  readonly onStart?: (pid: number) => void;
}

/** How the command ended. */
export interface CliResult {
  /** Exit status; `null` when a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The home and `TMPDIR` it ran with: empty before, so what is in it now was left by the command. */
  readonly home: string;
  readonly temporary: string;
}

/**
 * Runs the built command line to its end, with no credentials, proxies, settings or temporary files of the user in
 * reach: home, `XDG_*` and `TMPDIR` are fresh directories.
 *
 * @throws Error when an output or a file it wrote shows a secret that the test made known.
 */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const home = await temporaryDirectory("cli-home");
  const temporary = await temporaryDirectory("cli-tmp");
  const { cwd = home } = options;
  const env = { ...isolatedEnvironment(home, temporary), ...options.env };
  const left = await LeftFiles.note([env.HOME ?? home, env.TMPDIR ?? temporary, home], args, cwd);
  const result = await attempt(process.execPath, [cliPath, ...args], {
    cwd,
    env,
    input: options.input,
    onStart: (child) => {
      if (child.pid !== undefined) options.onStart?.(child.pid);
      const interrupt = options.interrupt;
      interrupt?.when.then(
        () => child.kill(interrupt.signal ?? "SIGINT"),
        () => child.kill("SIGKILL"),
      );
    },
  });
  await expectDiscreet(args, result, left);
  return {
    status: result.status,
    signal: result.signal,
    stdout: result.stdout.toString(),
    stderr: result.stderr,
    home,
    temporary,
  };
}

/**
 * Expects of a command that ended that neither its outputs nor the files it wrote show a secret, and captures them,
 * with its arguments.
 *
 * @throws Error naming what does.
 */
export async function expectDiscreet(
  args: readonly string[],
  { stdout, stderr }: Pick<CommandResult, "stdout" | "stderr">,
  left: LeftFiles,
): Promise<void> {
  const command = `compose-image ${args.join(" ")}`;
  expectNoSecrets(command, "the arguments");
  expectNoSecrets(Buffer.concat([stdout, Buffer.from(`\n${stderr}`)]), command);
  await left.expectNoSecrets();
}

/** The environment {@link runCli} and the embedded registry start from. */
export function isolatedEnvironment(home: string, temporary: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: home,
    XDG_RUNTIME_DIR: home,
    XDG_CONFIG_HOME: `${home}/.config`,
    XDG_CACHE_HOME: `${home}/.cache`,
    DOCKER_CONFIG: `${home}/.docker`,
    TMPDIR: temporary,
    LC_ALL: "C",
    NO_COLOR: "1",
  };
}
