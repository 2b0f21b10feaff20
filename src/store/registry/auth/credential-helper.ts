import { spawn } from "node:child_process";
import type { Call } from "../../../io/call.ts";
import { ComposeImageError } from "../../../model/errors.ts";
import { isJsonObject, type Json } from "../../../model/json.ts";
import type { Environment } from "../hosts/proxy.ts";
import { type Credential, passwordCredential } from "./credential.ts";

/** Helpers that ask people for passwords get this long. */
const helperTimeoutMs = 60_000;
const maxHelperOutput = 1024 * 1024;

/** What a helper said: credentials, or that it has none. */
export interface HelperAnswer {
  readonly credential: Credential | undefined;
}

/** Thrown when there is no such program; whether that matters depends on who named it. */
export class HelperMissing extends Error {
  readonly program: string;

  constructor(program: string) {
    super(`${program} is not installed`);
    this.program = program;
  }
}

/**
 * Asks `docker-credential-NAME` for a registry's credentials. The program is found on `PATH` and run without a shell.
 *
 * @param server the registry as helpers know it.
 * @throws HelperMissing; ComposeImageError `CREDENTIALS_UNREADABLE` when the name is not one, or it fails.
 * @see https://github.com/docker/docker-credential-helpers
 */
export async function askCredentialHelper(
  name: string,
  server: string,
  env: Environment,
  call: Call,
): Promise<HelperAnswer> {
  const program = `docker-credential-${name}`;
  const failed = (what: string): ComposeImageError =>
    new ComposeImageError("CREDENTIALS_UNREADABLE", `the credential helper ${program} ${what}`, {
      hint: `See what it says: echo ${server} | ${program} get`,
    });
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) {
    throw new ComposeImageError(
      "CREDENTIALS_UNREADABLE",
      `${JSON.stringify(name.slice(0, 100))} is not a credential helper's name`,
      { hint: "A helper's name has letters, digits, dots, dashes and underscores." },
    );
  }
  const { status, output } = await run(program, server, env, call, failed);
  if (status !== 0) {
    if (/credentials not found|no credentials server url/i.test(output)) return { credential: undefined };
    throw failed(`failed with status ${status}`);
  }
  let json: Json;
  try {
    json = JSON.parse(output);
  } catch {
    throw failed("did not answer with JSON");
  }
  if (!isJsonObject(json) || typeof json.Username !== "string" || typeof json.Secret !== "string") {
    throw failed("answered without Username and Secret");
  }
  const known = json.Username !== "" || json.Secret !== "";
  return { credential: known ? passwordCredential(json.Username, json.Secret) : undefined };
}

/** The name Docker's tools file a registry under. */
export function helperServer(canonicalRegistry: string): string {
  return canonicalRegistry === "docker.io" ? "https://index.docker.io/v1/" : canonicalRegistry;
}

interface HelperRun {
  readonly status: number | string;
  readonly output: string;
}

function run(
  program: string,
  input: string,
  env: Environment,
  call: Call,
  failed: (what: string) => Error,
): Promise<HelperRun> {
  return new Promise((resolve, reject) => {
    call.signal.throwIfAborted();
    const signal = AbortSignal.any([call.signal, AbortSignal.timeout(helperTimeoutMs)]);
    const child = spawn(program, ["get"], { env: { ...env }, stdio: ["pipe", "pipe", "ignore"], signal });
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
      else reject(failed(signal.aborted ? "took too long" : "could not be started"));
    });
    child.on("close", (status, killed) => {
      resolve({ status: status ?? killed ?? "unknown", output: Buffer.concat(chunks).toString("utf8") });
    });
  });
}
