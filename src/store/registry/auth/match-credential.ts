import type { Call } from "../../../io/call.ts";
import { ComposeImageError } from "../../../model/errors.ts";
import type { Environment } from "../hosts/proxy.ts";
import type { Credential } from "./credential.ts";
import type { CredentialFile } from "./credential-file.ts";
import { askCredentialHelper, helperServer } from "./credential-helper.ts";
import type { HelperAnswer } from "./credential-search.ts";
import { HelperMissing } from "./helper-process.ts";

/** What one credentials file has for a repository; all absent when it has nothing. */
export interface CredentialMatch {
  readonly credential?: Credential | undefined;
  readonly origin?: string | undefined;
  readonly key?: string | undefined;
  readonly helper?: HelperAnswer | undefined;
  readonly failure?: ComposeImageError | undefined;
  readonly warning?: string | undefined;
}

/**
 * Looks into one credentials file: the helper named for the longest key, then the entry of the longest key, then the
 * helper for all.
 *
 * @param registry in its canonical form.
 * @param keys most specific first.
 */
export async function matchCredential(
  file: CredentialFile,
  registry: string,
  keys: readonly string[],
  env: Environment,
  call: Call,
): Promise<CredentialMatch> {
  const server = helperServer(registry);
  const helperKey = keys.find((key) => file.credHelpers.has(key));
  const named = helperKey === undefined ? undefined : file.credHelpers.get(helperKey);
  let asked: CredentialMatch = {};
  if (named !== undefined) {
    asked = { ...(await ask(named, server, env, call)), key: helperKey };
    if (asked.helper?.answer === "not installed") {
      const { program } = asked.helper;
      return { ...asked, failure: missing(`${file.name} wants ${program} for ${helperKey}`, program) };
    }
    if (asked.failure !== undefined) return asked;
    if (asked.credential !== undefined) return { ...asked, origin: `${asked.origin} (${helperKey})` };
  }
  const key = keys.find((candidate) => file.auths.has(candidate) || file.malformed.has(candidate));
  if (key !== undefined && file.malformed.has(key)) return { ...asked, key, failure: malformed(file, key) };
  const credential = key === undefined ? undefined : file.auths.get(key);
  if (credential !== undefined) return { ...asked, key, credential, origin: `${file.name} (${key})` };
  if (named !== undefined || file.credsStore === undefined) return asked;
  const all = await ask(file.credsStore, server, env, call);
  if (all.helper?.answer !== "not installed") return all;
  const warning = `${file.name} names ${all.helper.program} as its credsStore, which is not installed`;
  return { ...all, warning };
}

async function ask(name: string, server: string, env: Environment, call: Call): Promise<CredentialMatch> {
  const program = `docker-credential-${name}`;
  try {
    const credential = await askCredentialHelper(name, server, env, call);
    if (credential === undefined) return { helper: { program, answer: "none" } };
    const answer = credential.kind === "identity" ? "refresh token" : "password";
    return { credential, origin: program, helper: { program, answer } };
  } catch (error) {
    call.signal.throwIfAborted();
    if (error instanceof HelperMissing) return { helper: { program, answer: "not installed" } };
    if (!(error instanceof ComposeImageError)) throw error;
    return { helper: { program, answer: "failed" }, failure: error };
  }
}

function missing(what: string, program: string): ComposeImageError {
  return new ComposeImageError("CREDENTIALS_UNREADABLE", `${what}, which is not installed`, {
    hint: `Install ${program}, or take it out of credHelpers.`,
  });
}

function malformed(file: CredentialFile, key: string): ComposeImageError {
  return new ComposeImageError(
    "CREDENTIALS_UNREADABLE",
    `the credentials in ${file.name}: the entry for ${key} is malformed`,
    { hint: `Log in again: compose-image login ${key}` },
  );
}
