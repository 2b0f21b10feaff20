import type { Call } from "../../../io/call.ts";
import { SingleFlight } from "../../../io/single-flight.ts";
import { ComposeImageError } from "../../../model/errors.ts";
import { canonicalRegistry } from "../hosts/api-host.ts";
import type { Environment } from "../hosts/proxy.ts";
import type { Credential } from "./credential.ts";
import { type CredentialFile, parseCredentialFile, readCredentialFile } from "./credential-file.ts";
import { askCredentialHelper, HelperMissing, helperServer } from "./credential-helper.ts";
import { credentialKeys } from "./credential-key.ts";
import { credentialPaths } from "./credential-paths.ts";

/** Credentials for a repository, or the places that had none. */
export interface FoundCredential {
  readonly credential: Credential | undefined;
  /** Where it is from: `/home/me/.docker/config.json (registry.example)`. */
  readonly origin: string | undefined;
  /** The places that were looked at, up to the one with a match. */
  readonly consulted: readonly string[];
}

/** Options of {@link Credentials}. */
export interface CredentialOptions {
  readonly authfile?: string | undefined;
  readonly env: Environment;
  /** Takes what is not worth failing for. */
  readonly onWarning: (message: string) => void;
}

/** Finds credentials in the files of Docker's and Podman's and by their helpers, once for each repository. */
export class Credentials {
  readonly #options: CredentialOptions;
  readonly #files = new SingleFlight<readonly CredentialFile[]>();
  readonly #finds = new SingleFlight<FoundCredential>();
  readonly #found = new Map<string, FoundCredential>();
  readonly #warned = new Set<string>();
  #loaded: readonly CredentialFile[] | undefined;

  constructor(options: CredentialOptions) {
    this.#options = options;
  }

  /** @throws ComposeImageError `CREDENTIALS_UNREADABLE` */
  async find(registry: string, repository: string, call: Call): Promise<FoundCredential> {
    const key = credentialKeys(registry, repository)[0] ?? registry;
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    const found = await this.#finds.run(key, (shared) => this.#search(registry, repository, shared), call);
    this.#found.set(key, found);
    return found;
  }

  async #search(registry: string, repository: string, call: Call): Promise<FoundCredential> {
    this.#loaded ??= await this.#files.run("", () => this.#load(), call);
    const keys = credentialKeys(registry, repository);
    const consulted: string[] = [];
    for (const file of this.#loaded) {
      consulted.push(file.name);
      const match = await this.#match(file, registry, keys, call);
      if (match !== undefined) return { ...match, consulted };
    }
    return { credential: undefined, origin: undefined, consulted };
  }

  async #match(
    file: CredentialFile,
    registry: string,
    keys: readonly string[],
    call: Call,
  ): Promise<{ credential: Credential; origin: string } | undefined> {
    const server = helperServer(canonicalRegistry(registry));
    const helperKey = keys.find((key) => file.credHelpers.has(key));
    const helper = helperKey === undefined ? undefined : file.credHelpers.get(helperKey);
    if (helper !== undefined) {
      const { credential } = await this.#ask(helper, server, call).catch((error: unknown) => {
        if (!(error instanceof HelperMissing)) throw error;
        throw new ComposeImageError(
          "CREDENTIALS_UNREADABLE",
          `${file.name} wants ${error.program} for ${helperKey}, which is not installed`,
          { hint: `Install ${error.program}, or take ${helperKey} out of credHelpers.` },
        );
      });
      if (credential !== undefined)
        return { credential, origin: `docker-credential-${helper} (${helperKey})` };
    }
    for (const key of keys) {
      const credential = file.auths.get(key);
      if (credential !== undefined) return { credential, origin: `${file.name} (${key})` };
    }
    if (file.credsStore === undefined || helper !== undefined) return undefined;
    try {
      const { credential } = await this.#ask(file.credsStore, server, call);
      return credential && { credential, origin: `docker-credential-${file.credsStore}` };
    } catch (error) {
      if (!(error instanceof HelperMissing)) throw error;
      this.#warn(`${file.name} names ${error.program} as its credsStore, which is not installed`);
      return undefined;
    }
  }

  #ask(helper: string, server: string, call: Call): ReturnType<typeof askCredentialHelper> {
    return askCredentialHelper(helper, server, this.#options.env, call);
  }

  async #load(): Promise<readonly CredentialFile[]> {
    const { authfile, env } = this.#options;
    const files: CredentialFile[] = [];
    if (env.DOCKER_AUTH_CONFIG) files.push(parseCredentialFile(env.DOCKER_AUTH_CONFIG, "DOCKER_AUTH_CONFIG"));
    for (const path of new Set(credentialPaths(authfile, env))) {
      const file = await readCredentialFile(path);
      if (file !== undefined) files.push(file);
      else if (path === authfile) {
        throw new ComposeImageError("CREDENTIALS_UNREADABLE", `the credentials file ${path} does not exist`, {
          hint: "Check --authfile, or leave it out.",
        });
      }
    }
    return files;
  }

  #warn(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.#options.onWarning(message);
  }
}
