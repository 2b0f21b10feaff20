import type { Call } from "../../../io/call.ts";
import { SingleFlight } from "../../../io/single-flight.ts";
import { ComposeImageError } from "../../../model/errors.ts";
import { canonicalRegistry } from "../hosts/api-host.ts";
import type { Environment } from "../hosts/proxy.ts";
import type { Credential } from "./credential.ts";
import { type CredentialFile, parseCredentialFile, readCredentialFile } from "./credential-file.ts";
import { credentialKeys } from "./credential-key.ts";
import { credentialPaths } from "./credential-paths.ts";
import type { CredentialPlace, CredentialSearch, FoundCredential } from "./credential-search.ts";
import { matchCredential } from "./match-credential.ts";

/** Options of {@link Credentials}. */
export interface CredentialOptions {
  readonly authfile?: string | undefined;
  readonly env: Environment;
  /** Takes what is not worth failing for. */
  readonly onWarning: (message: string) => void;
}

/** Finds credentials. */
export interface CredentialFinder {
  /** @throws ComposeImageError `CREDENTIALS_UNREADABLE` */
  find(registry: string, repository: string, call: Call): Promise<FoundCredential>;
}

/** A finder that has one answer. */
export function oneCredential(credential: Credential | undefined, hint: string): CredentialFinder {
  const found: FoundCredential = { credential, origin: undefined, consulted: [], hint };
  return { find: () => Promise.resolve(found) };
}

interface Place {
  readonly name: string;
  readonly chosenBy: string;
  /** `undefined` when there is nothing there. */
  readonly read: () => Promise<CredentialFile | undefined>;
}

/**
 * Finds credentials in the files of Docker's and Podman's and by their helpers, once for each repository. The files are
 * read in their order, and only as far as it takes: what is wrong with a later one does not matter.
 */
export class Credentials implements CredentialFinder {
  readonly #options: CredentialOptions;
  readonly #places: readonly Place[];
  readonly #files = new Map<Place, Promise<CredentialFile | undefined>>();
  readonly #searches = new SingleFlight<CredentialSearch>();
  readonly #found = new Map<string, FoundCredential>();
  readonly #warned = new Set<string>();

  constructor(options: CredentialOptions) {
    this.#options = options;
    this.#places = placesOf(options);
  }

  async find(registry: string, repository: string, call: Call): Promise<FoundCredential> {
    const key = credentialKeys(registry, repository)[0] ?? registry;
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    const search = await this.#searches.run(key, (shared) => this.search(registry, repository, shared), call);
    if (search.failure !== undefined) throw search.failure;
    this.#found.set(key, search.found);
    return search.found;
  }

  /** Looks for credentials and tells how it went, at each place. What fails is told, not thrown. */
  async search(registry: string, repository: string, call: Call): Promise<CredentialSearch> {
    const keys = credentialKeys(registry, repository);
    const server = canonicalRegistry(registry);
    const { env } = this.#options;
    const places: CredentialPlace[] = [];
    let credential: Credential | undefined;
    let origin: string | undefined;
    let key: string | undefined;
    let failure: ComposeImageError | undefined;
    for (const place of this.#places) {
      const { name, chosenBy } = place;
      if (credential !== undefined || failure !== undefined) {
        places.push({ name, chosenBy, state: "not looked at" });
        continue;
      }
      try {
        const file = await this.#read(place);
        if (file === undefined) {
          places.push({ name, chosenBy, state: "absent" });
          continue;
        }
        const match = await matchCredential(file, server, keys, env, call);
        ({ credential, origin, key, failure } = match);
        if (match.warning !== undefined) this.#warn(match.warning);
        const state = failure !== undefined ? "failed" : credential === undefined ? "no match" : "match";
        places.push({ name, chosenBy, state, key, helper: match.helper });
      } catch (error) {
        call.signal.throwIfAborted();
        if (!(error instanceof ComposeImageError)) throw error;
        failure = error;
        places.push({ name, chosenBy, state: "failed" });
      }
    }
    const consulted = places
      .filter(({ state }) => state !== "absent" && state !== "not looked at")
      .map(({ name }) => name);
    return { places, found: { credential, origin, key, consulted }, failure };
  }

  #read(place: Place): Promise<CredentialFile | undefined> {
    const reading = this.#files.get(place) ?? place.read();
    this.#files.set(place, reading);
    return reading;
  }

  #warn(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.#options.onWarning(message);
  }
}

function placesOf({ authfile, env }: CredentialOptions): Place[] {
  const overlay = env.DOCKER_AUTH_CONFIG;
  const variable = "DOCKER_AUTH_CONFIG";
  const files = credentialPaths(authfile, env).map(({ path, chosenBy }) => ({
    name: path,
    chosenBy,
    read: async () => {
      const file = await readCredentialFile(path);
      if (file !== undefined || path !== authfile) return file;
      throw new ComposeImageError("CREDENTIALS_UNREADABLE", `the credentials file ${path} does not exist`, {
        hint: "Check --authfile, or leave it out.",
      });
    },
  }));
  if (!overlay) return files;
  const read = async () => parseCredentialFile(overlay, variable);
  return [{ name: variable, chosenBy: "the variable itself", read }, ...files];
}
