import { spawn } from "node:child_process";
import type { Call } from "../../../io/call.ts";
import { ComposeImageError } from "../../../model/errors.ts";
import type { Environment } from "../hosts/proxy.ts";

/** Helpers that ask people for passwords get this long. */
const helperTimeoutMs = 60_000;
const maxHelperOutput = 1024 * 1024;

/** Thrown when there is no such program; whether that matters depends on who named it. */
export class HelperMissing extends Error {
  readonly program: string;

  constructor(program: string) {
    super(`${program} is not installed`);
    this.program = program;
  }
}

/** What a helper is told to do. */
export interface HelperRequest {
  /** As credentials files have it: without `docker-credential-`. */
  readonly name: string;
  readonly action: "get" | "store" | "erase";
  /** For its standard input: secrets are never arguments. */
  readonly input: string;
  readonly env: Environment;
}

/** How a helper ended. */
export interface HelperRun {
  readonly status: number | string;
  /** What it wrote to standard output: may hold a secret. */
  readonly output: string;
}

/**
 * Runs `docker-credential-NAME`, found on `PATH`, without a shell.
 *
 * @throws HelperMissing; ComposeImageError `CREDENTIALS_UNREADABLE` when the name is not one, or it cannot be run.
 * @see https://github.com/docker/docker-credential-helpers
 */
export function runCredentialHelper(request: HelperRequest, call: Call): Promise<HelperRun> {
  const { name, action, input, env } = request;
  const program = `docker-credential-${name}`;
  return new Promise((resolve, reject) => {
    call.signal.throwIfAborted();
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) {
      throw new ComposeImageError(
        "CREDENTIALS_UNREADABLE",
        `${JSON.stringify(name.slice(0, 100))} is not a credential helper's name`,
        { hint: "A helper's name has letters, digits, dots, dashes and underscores." },
      );
    }
    const signal = AbortSignal.any([call.signal, AbortSignal.timeout(helperTimeoutMs)]);
    const child = spawn(program, [action], { env: { ...env }, stdio: ["pipe", "pipe", "ignore"], signal });
    const chunks: Buffer[] = [];
    let size = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      size += chunk.byteLength;
      if (size > maxHelperOutput) child.kill();
      else chunks.push(chunk);
    });
    child.stdin.on("error", () => {});
    child.stdin.end(`${input}\n`);
    child.on("error", (error) => {
      if (call.signal.aborted) reject(call.signal.reason);
      else if ("code" in error && error.code === "ENOENT") reject(new HelperMissing(program));
      else reject(helperFailed(request, signal.aborted ? "took too long" : "could not be started"));
    });
    child.on("close", (status, killed) => {
      resolve({ status: status ?? killed ?? "unknown", output: Buffer.concat(chunks).toString("utf8") });
    });
  });
}

/** The error for a helper that did not do what it was asked for. Nothing it said is shown: it may be a secret. */
export function helperFailed({ name, action }: HelperRequest, what: string): ComposeImageError {
  const program = `docker-credential-${name}`;
  return new ComposeImageError("CREDENTIALS_UNREADABLE", `the credential helper ${program} ${what}`, {
    hint: `See what it says when it is run by hand: ${program} ${action}, with the registry's name as input.`,
  });
}
