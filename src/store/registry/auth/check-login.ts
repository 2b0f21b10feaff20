import type { Call } from "../../../io/call.ts";
import type { Endpoints } from "../hosts/endpoints.ts";
import { discard, isPage } from "../http.ts";
import { RegistryApi } from "../registry-api.ts";
import { pageError } from "../rejection.ts";
import type { Transport } from "../transport.ts";
import { Authenticator } from "./authenticator.ts";
import { passwordCredential } from "./credential.ts";
import { oneCredential } from "./credentials.ts";
import type { Login } from "./stored-login.ts";

/** What a login is checked with. */
export interface LoginCheckParts {
  readonly transport: Transport;
  readonly endpoints: Endpoints;
  /** Further attempts after a fault that may heal. */
  readonly retries: number;
}

/**
 * Shows a registry a login.
 *
 * @returns whether the registry, or its token server, has looked at it: one that lets in everybody has not.
 * @throws ComposeImageError `UNAUTHORIZED`, `DENIED` when it is refused, and the transport's.
 */
export async function checkLogin(
  parts: LoginCheckParts,
  registry: string,
  login: Login,
  call: Call,
): Promise<boolean> {
  let shown = false;
  const credential = passwordCredential(login.username, login.password);
  const finder = oneCredential(
    credential,
    "Check user name and password; some registries want an access token in the password's place.",
  );
  const authenticator = new Authenticator(parts.transport, finder, ({ kind }) => {
    if (kind === "sent" || kind === "token-given") shown = true;
  });
  const party = { side: "registry", registry, store: registry } as const;
  const retryPolicy = { retries: parts.retries };
  const api = new RegistryApi({ ...parts, registry, repository: "", party, authenticator, retryPolicy });
  const what = `${registry}: login`;
  const attempt = async (): Promise<void> => {
    const answer = await api.send({ method: "GET", target: "/v2/", scopes: [] }, call);
    if (answer.status !== 200) throw await api.reject(answer, { what }, call);
    await discard(answer);
    if (isPage(answer)) throw pageError(answer, what, party);
  };
  await api.retry(what, attempt, call);
  return shown;
}
