import { Agent, type Dispatcher, Pool, ProxyAgent } from "undici";
import { isHostOf, isInsecureHost } from "./api-host.ts";
import { minimumSpeed } from "./minimum-speed.ts";
import { type Environment, proxyFor } from "./proxy.ts";
import { type TlsFiles, TlsSettings } from "./tls.ts";

/** Options of {@link Dispatchers}. */
export interface DispatcherOptions extends TlsFiles {
  readonly insecureHosts: readonly string[];
  readonly env: Environment;
  /** Longest time to wait for a connection. */
  readonly connectTimeoutMs: number;
  /** Longest time without progress, in milliseconds. */
  readonly timeoutMs: number;
  /** Most connections to one origin; what is asked for beyond waits for one to be free. */
  readonly connections: number;
}

/** The way to a URL. */
export interface Route {
  readonly dispatcher: Dispatcher;
  /** Host and port of the proxy on the way, if there is one. */
  readonly proxy: string | undefined;
}

/**
 * Keep-alive connections, pooled for each origin, in as many flavours as needed: direct or proxied, verified or not,
 * with one set of certificates or another. Downloads that wait for their reader hold theirs, so the bound has to be
 * above what callers have under way at once.
 */
export class Dispatchers {
  readonly #options: DispatcherOptions;
  readonly #tls: TlsSettings;
  readonly #dispatchers = new Map<string, Dispatcher>();

  /** @throws ComposeImageError `USAGE` for TLS files that cannot be used. */
  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#tls = new TlsSettings(options, options.env);
  }

  /**
   * The connections to ask for this URL through.
   *
   * @param insecureRegistry one more registry that needs no verified TLS.
   * @param isolated whether to share none with requests that are not: for those that give theirs up afterwards.
   * @throws ComposeImageError `USAGE` for unusable proxy variables and TLS files.
   */
  route(url: URL, insecureRegistry: string | undefined, isolated: boolean): Route {
    const proxy = proxyFor(url, this.#options.env);
    const insecure =
      isInsecureHost(url.host, this.#options.insecureHosts) ||
      (insecureRegistry !== undefined && isHostOf(url, insecureRegistry));
    const directory = url.protocol === "https:" ? this.#tls.directoryFor(url) : undefined;
    const key = JSON.stringify([url.protocol, insecure, proxy?.href, directory, isolated]);
    const known = this.#dispatchers.get(key);
    const dispatcher =
      known ?? this.#make(url, !insecure, proxy).compose(minimumSpeed(this.#options.timeoutMs));
    this.#dispatchers.set(key, dispatcher);
    return { dispatcher, proxy: proxy?.host };
  }

  /** Closes every connection, whatever it is doing. */
  async close(): Promise<void> {
    const open = [...this.#dispatchers.values()];
    this.#dispatchers.clear();
    await Promise.all(open.map((dispatcher) => dispatcher.destroy()));
  }

  #make(url: URL, verify: boolean, proxy: URL | undefined): Dispatcher {
    const { connectTimeoutMs: timeout, connections } = this.#options;
    const tls = url.protocol === "https:";
    const secure = (server: URL, verified: boolean): object => ({
      timeout,
      secureContext: this.#tls.context(server),
      rejectUnauthorized: verified,
    });
    const common = { allowH2: false, connectTimeout: timeout, connections };
    if (proxy === undefined)
      return new Agent({ ...common, connect: tls ? secure(url, verify) : { timeout } });
    return new ProxyAgent({
      ...common,
      uri: proxy.href,
      // the wait for the answer to CONNECT, which is none of connecting
      clientFactory: (origin, tunnel) => new Pool(origin, { ...tunnel, headersTimeout: timeout }),
      factory: (origin, pool) => new Pool(origin, { ...pool, connections }),
      ...(tls && { requestTls: secure(url, verify) }),
      ...(proxy.protocol === "https:" && { proxyTls: secure(proxy, true) }),
    });
  }
}
