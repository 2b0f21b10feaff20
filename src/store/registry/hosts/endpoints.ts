import type { Call } from "../../../io/call.ts";
import { collect } from "../../../io/collect.ts";
import { Retryable } from "../../../io/retry.ts";
import { SingleFlight } from "../../../io/single-flight.ts";
import { discard, type HttpAnswer, type Party } from "../http.ts";
import { suggestsOtherScheme } from "../network-fault.ts";
import type { Transport } from "../transport.ts";
import { reachOf } from "./address.ts";
import { apiUrl, canonicalRegistry, isInsecureHost } from "./api-host.ts";

/** Longest wait for a first answer when it is not known yet whether the registry speaks TLS. */
const probeTimeoutMs = 10_000;

/**
 * Finds out where registries serve their API. It is https, without asking. Loopback registries are tried with plain
 * HTTP first and https then; insecure ones with https (not verified) first and plain HTTP then.
 */
export class Endpoints {
  readonly #transport: Transport;
  readonly #insecureHosts: readonly string[];
  readonly #found = new Map<string, URL>();
  readonly #flights = new SingleFlight<URL>();

  constructor(transport: Transport, insecureHosts: readonly string[]) {
    this.#transport = transport;
    this.#insecureHosts = insecureHosts;
  }

  /**
   * The registry's URL, with path `/`.
   *
   * @throws Retryable or ComposeImageError when it answers neither way; the signal's reason when aborted.
   */
  async find(registry: string, party: Party, call: Call): Promise<URL> {
    const secure = apiUrl(registry, "https");
    if (isInsecureHost(secure.host, this.#insecureHosts) || party.insecureRegistry === registry)
      return this.#probe(registry, ["https", "http"], party, call);
    if (reachOf(secure.hostname) === "loopback") return this.#probe(registry, ["http", "https"], party, call);
    return secure;
  }

  async #probe(
    registry: string,
    schemes: readonly ("http" | "https")[],
    party: Party,
    call: Call,
  ): Promise<URL> {
    const key = `${canonicalRegistry(registry)} ${schemes.join(" ")}`;
    const found = this.#found.get(key);
    if (found !== undefined) return found;
    const attempt = async (shared: Call): Promise<URL> => {
      let fault: unknown;
      for (const scheme of schemes) {
        const base = apiUrl(registry, scheme);
        try {
          if (!(await this.#speaks(base, party, shared))) continue;
          this.#found.set(key, base);
          return base;
        } catch (error) {
          shared.signal.throwIfAborted();
          if (!(error instanceof Retryable) && !suggestsOtherScheme(error)) throw error;
          fault ??= error;
        }
      }
      throw fault;
    };
    return this.#flights.run(key, attempt, call);
  }

  /** Whether the answer is one to a request in this scheme; a TLS server says 400 to plain HTTP. */
  async #speaks(base: URL, party: Party, call: Call): Promise<boolean> {
    const answer = await this.#transport.exchange(
      {
        method: "GET",
        url: new URL("/v2/", base),
        headers: {},
        headersTimeoutMs: Math.min(probeTimeoutMs, this.#transport.timeoutMs),
      },
      party,
      call,
    );
    if (base.protocol === "http:" && answer.status === 400) return !(await complainsOfPlainHttp(answer));
    await discard(answer);
    return true;
  }
}

async function complainsOfPlainHttp(answer: HttpAnswer): Promise<boolean> {
  try {
    const body = await collect(answer.body, 64 * 1024, "probe");
    return /to an? (?:HTTPS|TLS|SSL)[- ](?:server|port)|plain HTTP request/i.test(body.toString("utf8"));
  } catch {
    return false;
  }
}
