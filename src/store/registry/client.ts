import type { Call } from "../../io/call.ts";
import { ignoreTransfers, type Side, type TransferListener } from "../../io/transfer.ts";
import { ComposeImageError } from "../../model/errors.ts";
import type { HostLimits } from "../../model/host-limits.ts";
import { formatReference, type Reference } from "../../model/reference.ts";
import type { ListedSource } from "../source.ts";
import type { Target } from "../target.ts";
import { Authenticator } from "./auth/authenticator.ts";
import { checkLogin } from "./auth/check-login.ts";
import { Credentials } from "./auth/credentials.ts";
import type { Login } from "./auth/stored-login.ts";
import { listRepositories } from "./catalog.ts";
import { type AccessExplanation, type AccessQuestion, explainAccess } from "./explain-access.ts";
import { Dispatchers } from "./hosts/dispatchers.ts";
import { Endpoints } from "./hosts/endpoints.ts";
import { HostLimiters } from "./hosts/host-limiter.ts";
import type { Environment } from "./hosts/proxy.ts";
import { pullPlaces, ruleOf } from "./hosts/pull-places.ts";
import type { RegistryRule } from "./hosts/registries-conf.ts";
import { loadRegistriesConf, namedRegistriesConf } from "./hosts/registries-conf-files.ts";
import { KeptParts } from "./kept-parts.ts";
import type { RegistryFindings } from "./probe/finding.ts";
import { probeRegistry } from "./probe/probe-registry.ts";
import { PullSource } from "./pull-source.ts";
import { RegistryApi } from "./registry-api.ts";
import { type KnownRefusals, Repository } from "./repository.ts";
import { Transport } from "./transport.ts";

/** Options of {@link RegistryClient}. */
export interface RegistryClientOptions {
  /**
   * Registries, with port or for all ports, whose TLS is not verified and that may speak plain HTTP. Default none;
   * loopback registries may speak plain HTTP anyway.
   */
  readonly insecureHosts?: readonly string[] | undefined;
  /** PEM file of authorities trusted in addition to the system's. */
  readonly caFile?: string | undefined;
  /** PEM file of the client's certificate; needs `key`. */
  readonly cert?: string | undefined;
  /** PEM file of the client's key. */
  readonly key?: string | undefined;
  /** Directory with `*.crt`, and `*.cert` with `*.key`, used for every registry in place of `certs.d`. */
  readonly certDir?: string | undefined;
  /**
   * `registries.conf` read in place of the usual one; has to exist. Default `CONTAINERS_REGISTRIES_CONF`, else the
   * user's, else the system's.
   */
  readonly registriesConf?: string | undefined;
  /** Credentials file looked at before the usual ones; has to exist. */
  readonly authfile?: string | undefined;
  /** Further attempts after a fault that may heal. Default 5. */
  readonly retries?: number | undefined;
  /** Longest time without progress, in milliseconds; the commit of an upload gets ten times that. Default 60,000. */
  readonly timeoutMs?: number | undefined;
  /**
   * Most connections to one host, more than there are transfers at once: one that waits for another must not keep it
   * from its connection. Default 128.
   */
  readonly maxConnections?: number | undefined;
  /**
   * What each registry may be asked for, by its name as references have it, with port; `*` for every one without limits of
   * its own. What is asked of others for its sake counts as well: of storage that it redirects to, of its token server.
   * Downloads and uploads are counted apart. Default no limits.
   */
  readonly hostLimits?: Readonly<Record<string, HostLimits>> | undefined;
  /**
   * Directory where parts of large blobs that are uploaded from registries are kept, so that a run after one that broke off
   * reads only the rest; one that only the user may write to. Default: nothing is kept.
   */
  readonly partsDirectory?: string | undefined;
  /** Told what happens on the wire. Default nobody. */
  readonly onTransfer?: TransferListener | undefined;
  /**
   * Where proxies, `SSL_CERT_FILE` and the places of credentials, `certs.d` and `registries.conf` are read from. Default
   * `process.env`.
   */
  readonly env?: Environment | undefined;
  /** Default `compose-image`. */
  readonly userAgent?: string | undefined;
}

/** Longest time to wait for a connection, in milliseconds. */
const connectTimeoutMs = 10_000;

/** Most retries where another place can be asked as well. */
const mirrorRetries = 2;

/**
 * Gives the repositories of any registry as {@link Target}s. Connections, credentials and tokens are shared among
 * them, and freed by {@link close}.
 */
export class RegistryClient {
  readonly #dispatchers: Dispatchers;
  readonly #transport: Transport;
  readonly #endpoints: Endpoints;
  readonly #credentials: Credentials;
  readonly #authenticator: Authenticator;
  readonly #retries: number;
  readonly #repositories = new Map<string, Repository>();
  readonly #refusals: KnownRefusals = { mounts: new Set(), requestLimits: new Map() };
  readonly #keptParts: KeptParts | undefined;
  readonly #onTransfer: TransferListener;
  readonly #loadRules: () => RegistryRule[];
  #rules: readonly RegistryRule[] | undefined;

  /** @throws ComposeImageError `USAGE` for limits that are none, and files named in the options that cannot be used. */
  constructor(options: RegistryClientOptions = {}) {
    const {
      insecureHosts = [],
      caFile,
      cert,
      key,
      certDir,
      authfile,
      registriesConf,
      maxConnections = 128,
      timeoutMs = 60_000,
      env = process.env,
    } = options;
    const { onTransfer = ignoreTransfers, userAgent = "compose-image" } = options;
    this.#retries = options.retries ?? 5;
    this.#onTransfer = onTransfer;
    this.#dispatchers = new Dispatchers({
      insecureHosts,
      caFile,
      cert,
      key,
      certDir,
      env,
      connections: maxConnections,
      timeoutMs,
      connectTimeoutMs: Math.min(connectTimeoutMs, timeoutMs),
    });
    const limiters = new HostLimiters(options.hostLimits ?? {});
    this.#transport = new Transport({
      dispatchers: this.#dispatchers,
      limiters,
      timeoutMs,
      userAgent,
      onTransfer,
    });
    this.#endpoints = new Endpoints(this.#transport, insecureHosts);
    const warn =
      (store: string) =>
      (message: string): void =>
        onTransfer({ kind: "warning", store, message });
    const { partsDirectory } = options;
    this.#keptParts =
      partsDirectory === undefined ? undefined : new KeptParts(partsDirectory, warn(partsDirectory));
    this.#credentials = new Credentials({ authfile, env, onWarning: warn("credentials") });
    this.#authenticator = new Authenticator(this.#transport, this.#credentials);
    this.#loadRules = () => loadRegistriesConf({ registriesConf, env, onWarning: warn("registries.conf") });
    if (namedRegistriesConf(registriesConf, env) !== undefined) this.#rules = this.#loadRules();
  }

  /**
   * A repository, the same object for the same arguments, where its name says it is: nothing is written to mirrors.
   * Makes no request.
   *
   * @param registry host with port, as in a reference: `docker.io`, `localhost:5000`.
   * @param repository path in the registry: `library/debian`.
   * @param side which image it is for, in messages.
   * @throws ComposeImageError `USAGE` when `registries.conf` blocks it, or cannot be read.
   */
  repository(registry: string, repository: string, side: Side): Target {
    const rule = ruleOf({ registry, repository }, this.#registryRules());
    if (rule?.blocked) throw blocked(`${side} ${registry}/${repository}`, rule);
    return this.#open(registry, repository, side, rule?.insecure ?? false, this.#retries);
  }

  /**
   * An image to be read: from where its name says, or from the mirrors and the location that `registries.conf` gives.
   * Makes no request.
   *
   * @throws ComposeImageError `USAGE` when `registries.conf` blocks it, or cannot be read.
   */
  source(reference: Reference, side: Side): ListedSource {
    const { registry, repository, tag } = reference;
    const { places, rule } = pullPlaces(reference, this.#registryRules());
    const opened = places.map((place) => {
      const { registry, repository } = place.reference;
      const retries =
        place.isMirror && places.length > 1 ? Math.min(this.#retries, mirrorRetries) : this.#retries;
      const source = this.#open(registry, repository, side, place.insecure, retries);
      // A whole repository is asked for tags as they are.
      const isSame = tag === undefined || place.reference.tag === tag;
      return { source, tag: isSame ? undefined : place.reference.tag };
    });
    const [first] = opened;
    if (rule === undefined && first !== undefined) return first.source;
    const name = `${registry}/${repository}`;
    if (first === undefined) throw blocked(`${side} ${formatReference(reference)}`, rule);
    if (opened.length === 1 && first.source.name === name && first.tag === undefined) return first.source;
    return new PullSource({
      ...{ side, name, reference: formatReference(reference), places: opened },
      file: rule?.file ?? "",
      onTransfer: this.#onTransfer,
    });
  }

  #registryRules(): readonly RegistryRule[] {
    this.#rules ??= this.#loadRules();
    return this.#rules;
  }

  #open(registry: string, repository: string, side: Side, insecure: boolean, retries: number): Repository {
    const store = `${registry}/${repository}`;
    const key = JSON.stringify([side, store, insecure, retries]);
    const known = this.#repositories.get(key);
    if (known !== undefined) return known;
    const api = new RegistryApi({
      registry,
      repository,
      party: { side, registry, store, ...(insecure && { insecureRegistry: registry }) },
      transport: this.#transport,
      endpoints: this.#endpoints,
      authenticator: this.#authenticator,
      retryPolicy: { retries },
    });
    const made = new Repository(api, this.#refusals, this.#keptParts);
    this.#repositories.set(key, made);
    return made;
  }

  /** Shows a registry a login, in place of the credentials found for it; see {@link checkLogin}. */
  checkLogin(registry: string, login: Login, call: Call): Promise<boolean> {
    return checkLogin(this.#parts(), registry, login, call);
  }

  /** How a registry lets in to an image; see {@link explainAccess}. */
  explainAccess(question: AccessQuestion, call: Call): Promise<AccessExplanation> {
    return explainAccess({ ...this.#parts(), credentials: this.#credentials }, question, call);
  }

  /**
   * What a registry supports; see {@link probeRegistry}.
   *
   * @param repository one to try in; without it only the registry itself is asked.
   * @throws ComposeImageError `USAGE` when `registries.conf` blocks it, or cannot be read.
   */
  probe(registry: string, repository: string | undefined, call: Call): Promise<RegistryFindings> {
    const api = this.#registryApi(registry, repository, "registry");
    return probeRegistry(api, this.#endpoints, repository !== undefined, call);
  }

  /**
   * The repositories that a registry lists; see {@link listRepositories}.
   *
   * @param path credentials for which are shown; `undefined` for those of the whole registry.
   * @throws ComposeImageError `USAGE` when `registries.conf` blocks it, or cannot be read.
   */
  repositories(
    registry: string,
    path: string | undefined,
    side: Side,
    call: Call,
  ): Promise<readonly string[]> {
    return listRepositories(this.#registryApi(registry, path, side), call);
  }

  /** For what is asked of the registry, and not of one of its repositories. */
  #registryApi(registry: string, path: string | undefined, side: Side): RegistryApi {
    const rule = ruleOf({ registry, repository: path ?? "" }, this.#registryRules());
    const store = path === undefined ? registry : `${registry}/${path}`;
    if (rule?.blocked) throw blocked(`${side} ${store}`, rule);
    return new RegistryApi({
      ...this.#parts(),
      registry,
      repository: path ?? "",
      party: { side, registry, store, ...(rule?.insecure && { insecureRegistry: registry }) },
      authenticator: this.#authenticator,
      retryPolicy: { retries: this.#retries },
    });
  }

  #parts() {
    return { transport: this.#transport, endpoints: this.#endpoints, retries: this.#retries };
  }

  /** Cancels unused upload sessions and closes every connection. Nothing can be asked afterwards. */
  async close(): Promise<void> {
    await Promise.all([...this.#repositories.values()].map((repository) => repository.close()));
    this.#repositories.clear();
    await this.#dispatchers.close();
  }
}

function blocked(what: string, rule: RegistryRule | undefined): ComposeImageError {
  const place = rule === undefined ? "registries.conf" : `${rule.file} (${JSON.stringify(rule.prefix)})`;
  return new ComposeImageError("USAGE", `${what} is blocked by ${place}`, {
    hint: "Name another image, or have blocked = true taken out there.",
  });
}
