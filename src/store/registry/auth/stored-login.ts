import type { Call } from "../../../io/call.ts";
import { ComposeImageError } from "../../../model/errors.ts";
import { isJsonObject, type JsonObject } from "../../../model/json.ts";
import type { RegistryName } from "../../../model/reference.ts";
import { canonicalRegistry } from "../hosts/api-host.ts";
import type { Environment } from "../hosts/proxy.ts";
import { readCredentialDocument, updateCredentialDocument } from "./credential-document.ts";
import { parseCredentialFile } from "./credential-file.ts";
import { eraseFromHelper, helperServer, storeInHelper } from "./credential-helper.ts";
import { credentialKeys, normalizeCredentialKey } from "./credential-key.ts";
import { HelperMissing } from "./helper-process.ts";

/** A user's name and password for a registry. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

/**
 * Keeps a login in a credentials file, in the form of docker's and podman's, or with the credential helper that the
 * file names. Entries under other spellings of the same key give way to it; all others stay.
 *
 * @returns the helper's program, when one was used.
 * @throws ComposeImageError `CREDENTIALS_UNREADABLE`, `LOCAL_IO`, `DISK_FULL`; `USAGE` for a part of a registry whose
 *   credentials a helper keeps.
 */
export async function storeLogin(
  path: string,
  name: RegistryName,
  login: Login,
  env: Environment,
  call: Call,
): Promise<string | undefined> {
  const helper = helperOf(await readCredentialDocument(path), path, name);
  if (helper !== undefined) {
    if (name.path !== "") {
      throw new ComposeImageError(
        "USAGE",
        `${path} has docker-credential-${helper} keep the credentials of ${name.registry}, which knows no parts of registries`,
        { hint: `Log in to ${name.registry} as a whole, or name another file with --authfile.` },
      );
    }
    const server = helperServer(canonicalRegistry(name.registry));
    await expectInstalled(storeInHelper(helper, server, login, env, call), path);
  }
  const auth = Buffer.from(`${login.username}:${login.password}`, "utf8").toString("base64");
  const entry: JsonObject = helper === undefined ? { auth } : {};
  const key = keyOf(name);
  await updateCredentialDocument(
    path,
    (document) => ({ ...document, auths: { ...entriesWithout(document, key), [spelledKey(name)]: entry } }),
    call,
  );
  return helper && `docker-credential-${helper}`;
}

/**
 * Takes a registry's login, or every login, out of a credentials file and out of the helpers that the file names for
 * them.
 *
 * @param name `undefined` for all registries the file has something about.
 * @returns the keys of the logins there were.
 * @throws as {@link storeLogin}
 */
export async function removeLogin(
  path: string,
  name: RegistryName | undefined,
  env: Environment,
  call: Call,
): Promise<string[]> {
  const before = await readCredentialDocument(path);
  const removed = new Set<string>();
  const known = [...keysIn(before.auths), ...keysIn(before.credHelpers)].map(normalizeCredentialKey);
  for (const key of name === undefined ? new Set(known) : [keyOf(name)]) {
    const [registry = "", ...rest] = key.split("/");
    const helper = helperOf(before, path, { registry, path: rest.join("/") });
    if (helper === undefined || rest.length > 0) continue;
    const erasing = eraseFromHelper(helper, helperServer(registry), env, call);
    if (await expectInstalled(erasing, path)) removed.add(key);
  }
  const change = (document: JsonObject): JsonObject => {
    const keys = keysIn(document.auths).map(normalizeCredentialKey);
    const going = name === undefined ? keys : keys.filter((key) => key === keyOf(name));
    for (const key of going) removed.add(key);
    if (going.length === 0) return document;
    return { ...document, auths: name === undefined ? {} : entriesWithout(document, keyOf(name)) };
  };
  if (keysIn(before.auths).length > 0) await updateCredentialDocument(path, change, call);
  return [...removed];
}

/** The helper that a credentials file names for a registry. */
function helperOf(document: JsonObject, path: string, name: RegistryName): string | undefined {
  const { credHelpers, credsStore } = parseCredentialFile(JSON.stringify(document), path);
  const key = credentialKeys(name.registry, name.path).find((candidate) => credHelpers.has(candidate));
  return key === undefined ? credsStore : credHelpers.get(key);
}

async function expectInstalled<T>(asking: Promise<T>, path: string): Promise<T> {
  try {
    return await asking;
  } catch (error) {
    if (!(error instanceof HelperMissing)) throw error;
    throw new ComposeImageError(
      "CREDENTIALS_UNREADABLE",
      `${path} has ${error.program} keep its credentials, which is not installed`,
      { hint: `Install ${error.program}, or name another file with --authfile.` },
    );
  }
}

function keyOf({ registry, path }: RegistryName): string {
  return credentialKeys(registry, path)[0] ?? registry;
}

/** The key as it is written: Docker looks for its Hub under one name only, and for nothing but whole registries. */
function spelledKey(name: RegistryName): string {
  const key = keyOf(name);
  return key === "docker.io" ? helperServer(key) : key;
}

function entriesWithout({ auths }: JsonObject, key: string): JsonObject {
  const entries = Object.entries(isJsonObject(auths) ? auths : {});
  return Object.fromEntries(entries.filter(([other]) => normalizeCredentialKey(other) !== key));
}

function keysIn(entries: JsonObject[string]): string[] {
  return isJsonObject(entries) ? Object.keys(entries) : [];
}
