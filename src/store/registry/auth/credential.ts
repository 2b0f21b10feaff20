/** What a registry may be shown to be let in. */
export type Credential =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token. */
  | { readonly kind: "identity"; readonly username: string; readonly token: string }
  /** A bearer token that is sent as it is. */
  | { readonly kind: "bearer"; readonly token: string };

/** The user name under which credential helpers hand out refresh tokens. */
export const identityUser = "<token>";

/** A password, or the refresh token that the user name says it is. */
export function passwordCredential(username: string, password: string): Credential {
  return username === identityUser
    ? { kind: "identity", username, token: password }
    : { kind: "password", username, password };
}

/** The value of `Authorization` for Basic authentication. */
export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`;
}

/** Whether a token can stand in a header as it is. */
export function isHeaderWord(token: string): boolean {
  return /^[\x21-\x7e]+$/.test(token);
}
