import { readFile } from "node:fs/promises";
import { ComposeImageError } from "../../../model/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../model/json.ts";
import { type Credential, isHeaderWord, passwordCredential } from "./credential.ts";
import { normalizeCredentialKey } from "./credential-key.ts";

/** A credentials file of Docker's or Podman's. Keys are normalised. */
export interface CredentialFile {
  /** For messages: its path, or the variable it came in. */
  readonly name: string;
  readonly auths: ReadonlyMap<string, Credential>;
  /** Keys of entries that cannot be made sense of: an error for who needs them, and for nobody else. */
  readonly malformed: ReadonlySet<string>;
  /** Names of helpers by registry. */
  readonly credHelpers: ReadonlyMap<string, string>;
  /** The helper for all other registries. */
  readonly credsStore: string | undefined;
}

/**
 * Reads a credentials file; `undefined` when there is none.
 *
 * @throws ComposeImageError `CREDENTIALS_UNREADABLE`
 */
export async function readCredentialFile(path: string): Promise<CredentialFile | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new ComposeImageError(
      "CREDENTIALS_UNREADABLE",
      `the credentials file ${path} cannot be read (${code})`,
      {
        hint: "Check its permissions, or name another with --authfile.",
        cause,
      },
    );
  }
  return parseCredentialFile(text, path);
}

/**
 * Reads a credentials file's text. The text itself never enters a message.
 *
 * @throws ComposeImageError `CREDENTIALS_UNREADABLE` when it is not a JSON object.
 */
export function parseCredentialFile(text: string, name: string): CredentialFile {
  const json = parseCredentialDocument(text, name);
  const auths = new Map<string, Credential>();
  const malformed = new Set<string>();
  for (const [key, entry] of Object.entries(objectOr(json.auths))) {
    const normalized = normalizeCredentialKey(key);
    if (!isJsonObject(entry) || auths.has(normalized) || malformed.has(normalized)) continue;
    const credential = credentialFromJson(entry);
    if (credential === "malformed") malformed.add(normalized);
    else if (credential !== undefined) auths.set(normalized, credential);
  }
  const credHelpers = new Map<string, string>();
  for (const [key, helper] of Object.entries(objectOr(json.credHelpers))) {
    if (typeof helper === "string" && helper !== "") credHelpers.set(normalizeCredentialKey(key), helper);
  }
  const credsStore =
    typeof json.credsStore === "string" && json.credsStore !== "" ? json.credsStore : undefined;
  return { name, auths, malformed, credHelpers, credsStore };
}

/**
 * The JSON object that a credentials file is; an empty text is an empty one.
 *
 * @throws ComposeImageError `CREDENTIALS_UNREADABLE`
 */
export function parseCredentialDocument(text: string, name: string): JsonObject {
  const unreadable = (what: string): ComposeImageError =>
    new ComposeImageError("CREDENTIALS_UNREADABLE", `the credentials in ${name}: ${what}`, {
      hint: "It must be a config.json of Docker's or an auth.json of Podman's.",
    });
  let json: Json;
  try {
    json = text.trim() === "" ? {} : JSON.parse(text.replace(/^\ufeff/, ""));
  } catch {
    throw unreadable("not JSON");
  }
  if (!isJsonObject(json)) throw unreadable("not a JSON object");
  return json;
}

function credentialFromJson(entry: JsonObject): Credential | "malformed" | undefined {
  const { auth, username, password, identitytoken, registrytoken } = entry;
  if (typeof registrytoken === "string" && registrytoken !== "") {
    return isHeaderWord(registrytoken) ? { kind: "bearer", token: registrytoken } : "malformed";
  }
  let user = typeof username === "string" ? username : "";
  let secret = typeof password === "string" ? password : "";
  if (typeof auth === "string" && auth !== "") {
    const decoded = Buffer.from(auth, "base64").toString("utf8");
    const colon = decoded.indexOf(":");
    if (colon < 0) return "malformed";
    user = decoded.slice(0, colon);
    secret = decoded.slice(colon + 1).replace(/\0+$/, "");
  }
  if (typeof identitytoken === "string" && identitytoken !== "") {
    return { kind: "identity", username: user, token: identitytoken };
  }
  return user === "" && secret === "" ? undefined : passwordCredential(user, secret);
}

function objectOr(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
