import type { Challenge } from "./challenge.ts";

/** What happens between a client, a registry and its token server. No event holds a secret. */
export type AuthEvent =
  | { readonly kind: "challenged"; readonly status: number; readonly challenges: readonly Challenge[] }
  | {
      readonly kind: "token-asked";
      /** The token server's URL. */
      readonly realm: string;
      readonly service: string | undefined;
      readonly scopes: readonly string[];
      readonly showing: "nothing" | "a password" | "a refresh token";
    }
  | {
      readonly kind: "token-given";
      readonly scopes: readonly string[];
      /** What the token says it is good for; `undefined` when it does not say. */
      readonly granted: readonly string[] | undefined;
    }
  | { readonly kind: "sent"; readonly what: "a password" | "a refresh token" | "a registry token" };

/** Takes authentication events; must not throw. */
export type AuthListener = (event: AuthEvent) => void;
