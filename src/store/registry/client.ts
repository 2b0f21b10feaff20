import { ignoreTransfers, type Side, type TransferListener } from "../../io/transfer.ts";
import type { Target } from "../target.ts";
import { Authenticator } from "./auth/authenticator.ts";
import { Credentials } from "./auth/credentials.ts";
import { Dispatchers } from "./hosts/dispatchers.ts";
import { Endpoints } from "./hosts/endpoints.ts";
import type { Environment } from "./hosts/proxy.ts";
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
  /** Credentials file looked at before the usual ones; has to exist. */
  readonly authfile?: string | undefined;
  /** Further attempts after a fault that may heal. Default 5. */
  readonly retries?: number | undefined;
  /** Longest time without progress, in milliseconds; the commit of an upload gets ten times that. Default 60,000. */
  readonly timeoutMs?: number | undefined;
  /** Told what happens on the wire. Default nobody. */
  readonly onTransfer?: TransferListener | undefined;
  /** Where proxies, `SSL_CERT_FILE` and credentials files are read from. Default `process.env`. */
  readonly env?: Environment | undefined;
  /** Default `compose-image`. */
  readonly userAgent?: string | undefined;
}

/** Longest time to wait for a connection, in milliseconds. */
const connectTimeoutMs = 10_000;

/**
 * Gives the repositories of any registry as {@link Target}s. Connections, credentials and tokens are shared among
 * them, and freed by {@link close}.
 */
export class RegistryClient {
  readonly #dispatchers: Dispatchers;
  readonly #transport: Transport;
  readonly #endpoints: Endpoints;
  readonly #authenticator: Authenticator;
  readonly #retries: number;
  readonly #repositories = new Map<string, Repository>();
  readonly #refusals: KnownRefusals = { mounts: new Set(), requestLimits: new Map() };

  constructor(options: RegistryClientOptions = {}) {
    const {
      insecureHosts = [],
      caFile,
      cert,
      key,
      authfile,
      timeoutMs = 60_000,
      env = process.env,
    } = options;
    const { onTransfer = ignoreTransfers, userAgent = "compose-image" } = options;
    this.#retries = options.retries ?? 5;
    this.#dispatchers = new Dispatchers({
      insecureHosts,
      caFile,
      cert,
      key,
      env,
      connectTimeoutMs: Math.min(connectTimeoutMs, timeoutMs),
    });
    this.#transport = new Transport({ dispatchers: this.#dispatchers, timeoutMs, userAgent, onTransfer });
    this.#endpoints = new Endpoints(this.#transport, insecureHosts);
    const onWarning = (message: string): void =>
      onTransfer({ kind: "warning", store: "credentials", message });
    this.#authenticator = new Authenticator(this.#transport, new Credentials({ authfile, env, onWarning }));
  }

  /**
   * A repository, the same object for the same arguments. Makes no request.
   *
   * @param registry host with port, as in a reference: `docker.io`, `localhost:5000`.
   * @param repository path in the registry: `library/debian`.
   * @param side which image it is for, in messages.
   */
  repository(registry: string, repository: string, side: Side): Target {
    const store = `${registry}/${repository}`;
    const key = `${side} ${store}`;
    const known = this.#repositories.get(key);
    if (known !== undefined) return known;
    const api = new RegistryApi({
      registry,
      repository,
      party: { side, store },
      transport: this.#transport,
      endpoints: this.#endpoints,
      authenticator: this.#authenticator,
      retryPolicy: { retries: this.#retries },
    });
    const made = new Repository(api, this.#refusals);
    this.#repositories.set(key, made);
    return made;
  }

  /** Cancels unused upload sessions and closes every connection. Nothing can be asked afterwards. */
  async close(): Promise<void> {
    await Promise.all([...this.#repositories.values()].map((repository) => repository.close()));
    this.#repositories.clear();
    await this.#dispatchers.close();
  }
}
