import type { SecureContext } from "node:tls";
import { Agent, type Dispatcher, Pool, ProxyAgent } from "undici";
import { isInsecureHost } from "./api-host.ts";
import { type Environment, proxyFor } from "./proxy.ts";
import { type TlsFiles, tlsContext } from "./tls.ts";

/** Options of {@link Dispatchers}. */
export interface DispatcherOptions extends TlsFiles {
  readonly insecureHosts: readonly string[];
  readonly env: Environment;
  /** Longest time to wait for a connection. */
  readonly connectTimeoutMs: number;
}

/**
 * Keep-alive connections, pooled for each origin, in as many flavours as needed: direct or proxied, verified or not.
 * Their number has no bound here: downloads that wait for their reader hold theirs, and with a bound one could wait for
 * an upload that waits for it. Callers bound what they have under way.
 */
export class Dispatchers {
  readonly #options: DispatcherOptions;
  readonly #dispatchers = new Map<string, Dispatcher>();
  #context: SecureContext | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /**
   * The connections to ask for this URL through.
   *
   * @throws ComposeImageError `USAGE` for unusable proxy variables and TLS files.
   */
  for(url: URL): Dispatcher {
    const proxy = proxyFor(url, this.#options.env);
    const verify = !isInsecureHost(url.host, this.#options.insecureHosts);
    const key = `${url.protocol} ${verify} ${proxy?.href ?? ""}`;
    const known = this.#dispatchers.get(key);
    if (known !== undefined) return known;
    const made = this.#make(url.protocol === "https:", verify, proxy);
    this.#dispatchers.set(key, made);
    return made;
  }

  /** Closes every connection, whatever it is doing. */
  async close(): Promise<void> {
    const open = [...this.#dispatchers.values()];
    this.#dispatchers.clear();
    await Promise.all(open.map((dispatcher) => dispatcher.destroy()));
  }

  #make(tls: boolean, verify: boolean, proxy: URL | undefined): Dispatcher {
    const timeout = this.#options.connectTimeoutMs;
    const secure = (verified: boolean): object => ({
      timeout,
      secureContext: this.#secureContext(),
      rejectUnauthorized: verified,
    });
    const common = { allowH2: false, connectTimeout: timeout };
    if (proxy === undefined) return new Agent({ ...common, connect: tls ? secure(verify) : { timeout } });
    return new ProxyAgent({
      ...common,
      uri: proxy.href,
      // the wait for the answer to CONNECT, which is none of connecting
      clientFactory: (origin, tunnel) => new Pool(origin, { ...tunnel, headersTimeout: timeout }),
      ...(tls && { requestTls: secure(verify) }),
      ...(proxy.protocol === "https:" && { proxyTls: secure(true) }),
    });
  }

  #secureContext(): SecureContext {
    this.#context ??= tlsContext(this.#options, this.#options.env);
    return this.#context;
  }
}
