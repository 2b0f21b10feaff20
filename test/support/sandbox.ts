import { attempt } from "./command.ts";
import { cliPath } from "./run-cli.ts";
import { expectNoSecrets } from "./secrets.ts";
import { temporaryDirectory } from "./temp.ts";

/** What a sandboxed command may write to. */
export type Writable =
  /** Nothing at all. */
  | "nothing"
  /** An empty directory, its `TMPDIR`. */
  | "TMPDIR"
  /** The same on a file system of its own with so many bytes. */
  | { readonly bytes: number };

/** How the command ended, and what there was in its `TMPDIR` afterwards. */
export interface SandboxResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Paths below `TMPDIR`, as find(1) gives them. */
  readonly left: readonly string[];
}

/** A file system that is read-only but for one directory, and a user nobody knows, who has no home. */
export interface Sandbox {
  /** The command's `TMPDIR`, for arguments. */
  readonly temporary: string;
  /** Runs the built command line in it. */
  compose(args: readonly string[]): Promise<SandboxResult>;
  /** Runs a script of sh(1) in it. */
  script(text: string): Promise<SandboxResult>;
}

/**
 * Makes a sandbox with bwrap(1), as a cluster that gives each namespace its own range of users runs its pods. The
 * network is the machine's.
 *
 * @param directories what is there in place of directories that the machine has: `{ "/etc/containers": "/tmp/x" }`.
 */
export async function createSandbox(
  writable: Writable,
  directories: Readonly<Record<string, string>> = {},
): Promise<Sandbox> {
  const temporary = await temporaryDirectory("sandbox");
  const mounts =
    writable === "nothing"
      ? []
      : writable === "TMPDIR"
        ? ["--bind", temporary, temporary]
        : ["--size", String(writable.bytes), "--tmpfs", temporary];
  const wrapper = [
    ...["--die-with-parent", "--unshare-user", "--uid", "1000620000", "--gid", "0"],
    ...["--ro-bind", "/", "/", ...mounts, "--chdir", "/"],
    ...Object.entries(directories).flatMap(([path, source]) => ["--ro-bind", source, path]),
    ...["--clearenv", "--setenv", "PATH", process.env.PATH ?? ""],
    ...(writable === "nothing" ? [] : ["--setenv", "TMPDIR", temporary]),
  ];
  const run = async (command: readonly string[]): Promise<SandboxResult> => {
    // The file system goes away with the sandbox, so what is left on it is listed from within.
    const listing = '"$@"; status=$?; echo "$MARK"; cd "$0" && find . -mindepth 1; exit $status';
    const marked = ["--setenv", "MARK", mark, "sh", "-c", listing, temporary];
    const { status, stdout, stderr } = await attempt("bwrap", [...wrapper, ...marked, ...command]);
    expectNoSecrets(`${stdout}\n${stderr}`, command.join(" "));
    const [printed = "", left = ""] = stdout.toString().split(`${mark}\n`);
    return { status, stdout: printed, stderr, left: left.split("\n").filter((path) => path !== "") };
  };
  return {
    temporary,
    compose: (args) => run([process.execPath, cliPath, ...args]),
    script: (text) => run(["sh", "-c", text]),
  };
}

const mark = "--- what is left in TMPDIR ---";
