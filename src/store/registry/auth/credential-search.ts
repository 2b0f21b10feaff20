import type { ComposeImageError } from "../../../model/errors.ts";
import type { Credential } from "./credential.ts";

/** Credentials for a repository, or the places that had none. */
export interface FoundCredential {
  readonly credential: Credential | undefined;
  /** Where it is from: `/home/me/.docker/config.json (registry.example)`. */
  readonly origin: string | undefined;
  /** The key it is filed under, where that is known. */
  readonly key?: string | undefined;
  /** The places that were looked at, up to the one with a match. */
  readonly consulted: readonly string[];
  /** What to do when they do not suffice, in place of the usual. */
  readonly hint?: string;
}

/** A credential helper that was asked, and what kind of answer it gave. */
export interface HelperAnswer {
  /** `docker-credential-pass` */
  readonly program: string;
  readonly answer: "password" | "refresh token" | "none" | "not installed" | "failed";
}

/** A place where credentials may be, and what a search found there. */
export interface CredentialPlace {
  /** Its path, or the variable it came in. */
  readonly name: string;
  /** Why it is looked at. */
  readonly chosenBy: string;
  readonly state: "absent" | "no match" | "match" | "failed" | "not looked at";
  /** The key that matched, or failed. */
  readonly key?: string | undefined;
  readonly helper?: HelperAnswer | undefined;
}

/** How a search for credentials went. */
export interface CredentialSearch {
  /** All of them, in their order. */
  readonly places: readonly CredentialPlace[];
  /** What was found before the failure, if there was one. */
  readonly found: FoundCredential;
  readonly failure: ComposeImageError | undefined;
}
