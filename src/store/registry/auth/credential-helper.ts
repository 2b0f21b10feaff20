import type { Call } from "../../../io/call.ts";
import { isJsonObject, type Json } from "../../../model/json.ts";
import type { Environment } from "../hosts/proxy.ts";
import { type Credential, passwordCredential } from "./credential.ts";
import { type HelperRequest, helperFailed, runCredentialHelper } from "./helper-process.ts";

const nothingFound = /credentials not found|no credentials server url/i;

/**
 * Asks `docker-credential-NAME` for a registry's credentials.
 *
 * @param server the registry as helpers know it.
 * @returns `undefined` when it has none.
 * @throws HelperMissing; ComposeImageError `CREDENTIALS_UNREADABLE` when the name is not one, or it fails.
 */
export async function askCredentialHelper(
  name: string,
  server: string,
  env: Environment,
  call: Call,
): Promise<Credential | undefined> {
  const request: HelperRequest = { name, action: "get", input: server, env };
  const { status, output } = await runCredentialHelper(request, call);
  if (status !== 0) {
    if (nothingFound.test(output)) return undefined;
    throw helperFailed(request, `failed with status ${status}`);
  }
  let json: Json;
  try {
    json = JSON.parse(output);
  } catch {
    throw helperFailed(request, "did not answer with JSON");
  }
  if (!isJsonObject(json) || typeof json.Username !== "string" || typeof json.Secret !== "string") {
    throw helperFailed(request, "answered without Username and Secret");
  }
  const known = json.Username !== "" || json.Secret !== "";
  return known ? passwordCredential(json.Username, json.Secret) : undefined;
}

/**
 * Gives a password to `docker-credential-NAME` to keep.
 *
 * @throws HelperMissing; ComposeImageError `CREDENTIALS_UNREADABLE`
 */
export async function storeInHelper(
  name: string,
  server: string,
  login: { readonly username: string; readonly password: string },
  env: Environment,
  call: Call,
): Promise<void> {
  const input = JSON.stringify({ ServerURL: server, Username: login.username, Secret: login.password });
  const request: HelperRequest = { name, action: "store", input, env };
  const { status } = await runCredentialHelper(request, call);
  if (status !== 0) throw helperFailed(request, `did not keep the credentials (status ${status})`);
}

/**
 * Has `docker-credential-NAME` forget a registry's credentials.
 *
 * @returns whether it had any.
 * @throws HelperMissing; ComposeImageError `CREDENTIALS_UNREADABLE`
 */
export async function eraseFromHelper(
  name: string,
  server: string,
  env: Environment,
  call: Call,
): Promise<boolean> {
  const request: HelperRequest = { name, action: "erase", input: server, env };
  const { status, output } = await runCredentialHelper(request, call);
  if (status === 0) return true;
  if (nothingFound.test(output)) return false;
  throw helperFailed(request, `did not forget the credentials (status ${status})`);
}

/** The name Docker's tools file a registry under. */
export function helperServer(canonicalRegistry: string): string {
  return canonicalRegistry === "docker.io" ? "https://index.docker.io/v1/" : canonicalRegistry;
}
