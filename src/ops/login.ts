import { type Call, unstoppable } from "../io/call.ts";
import type { RegistryName } from "../model/reference.ts";
import { Credentials } from "../store/registry/auth/credentials.ts";
import { loginPath } from "../store/registry/auth/login-path.ts";
import { type Login, removeLogin, storeLogin } from "../store/registry/auth/stored-login.ts";
import { RegistryClient, type RegistryClientOptions } from "../store/registry/client.ts";

/** Options of {@link logIn} and {@link logOut}; `authfile` is the file they work on, and need not exist. */
export interface LoginOptions extends RegistryClientOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Where a login was put. */
export interface StoredLogin {
  readonly file: string;
  /** The helper's program, when it keeps the password in the file's place. */
  readonly helper: string | undefined;
  /** `false` for a registry that lets in everybody, and so did not look at it. */
  readonly checked: boolean;
  /** Other credentials that are taken for this registry before the new ones: where they are from. */
  readonly shadowedBy: string | undefined;
}

/**
 * Shows a registry a login, and keeps it when it is taken.
 *
 * @throws ComposeImageError `UNAUTHORIZED`, `DENIED` when it is refused, with nothing kept; `CREDENTIALS_UNREADABLE`,
 *   `LOCAL_IO`, `DISK_FULL` when it cannot be kept.
 */
export async function logIn(
  name: RegistryName,
  login: Login,
  options: LoginOptions = {},
): Promise<StoredLogin> {
  const { env = process.env, authfile } = options;
  const call = callOf(options);
  const file = await loginPath(authfile, env);
  const client = new RegistryClient(options);
  let checked: boolean;
  try {
    checked = await client.checkLogin(name.registry, login, call);
  } finally {
    await client.close();
  }
  const helper = await storeLogin(file, name, login, env, call);
  const { found } = await searchAgain(name, options, call);
  const { credential, origin } = found;
  const isOurs =
    credential?.kind === "password"
      ? credential.username === login.username && credential.password === login.password
      : credential?.kind === "identity" && credential.token === login.password;
  return { file, helper, checked, shadowedBy: isOurs ? undefined : origin };
}

/** What logging out did. */
export interface RemovedLogins {
  readonly file: string;
  /** The keys of the logins there were. */
  readonly removed: readonly string[];
  /** Where credentials for the registry are found still, in another file or for more of the registry. */
  readonly remaining: string | undefined;
}

/**
 * Takes a registry's login out of the file that {@link logIn} would put it in.
 *
 * @param name `undefined` for all of the file's.
 * @throws ComposeImageError `CREDENTIALS_UNREADABLE`, `LOCAL_IO`, `DISK_FULL`
 */
export async function logOut(
  name: RegistryName | undefined,
  options: LoginOptions = {},
): Promise<RemovedLogins> {
  const { env = process.env, authfile } = options;
  const call = callOf(options);
  const file = await loginPath(authfile, env);
  const removed = await removeLogin(file, name, env, call);
  const remaining = name && (await searchAgain(name, options, call)).found.origin;
  return { file, removed, remaining };
}

/** What is found from now on; warnings have been given, or will be. */
function searchAgain(name: RegistryName, { authfile, env = process.env }: LoginOptions, call: Call) {
  const credentials = new Credentials({ authfile, env, onWarning: () => {} });
  return credentials.search(name.registry, name.path, call);
}

function callOf({ signal }: LoginOptions): Call {
  return signal === undefined ? unstoppable : { signal };
}
