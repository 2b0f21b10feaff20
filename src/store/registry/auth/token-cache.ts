import type { Call } from "../../../io/call.ts";
import { SingleFlight } from "../../../io/single-flight.ts";
import { coversScopes } from "./scope.ts";
import type { Token } from "./token.ts";

interface CachedToken {
  readonly scopes: readonly string[];
  readonly value: string;
  /** On the clock of `performance.now()`. */
  readonly expires: number;
}

/** Tokens by registry, scopes and who they were given to; one fetch at a time for each. */
export class TokenCache {
  readonly #tokens = new Map<string, CachedToken[]>();
  readonly #flights = new SingleFlight<string>();

  /** A token that is good for these scopes still, if there is one. */
  find(holder: string, scopes: readonly string[]): string | undefined {
    const now = performance.now();
    return this.#tokens
      .get(holder)
      ?.find((token) => token.expires > now && coversScopes(token.scopes, scopes))?.value;
  }

  /** Drops a token that was refused. */
  drop(holder: string, value: string): void {
    const kept = this.#tokens.get(holder)?.filter((token) => token.value !== value) ?? [];
    this.#tokens.set(holder, kept);
  }

  /** Fetches a token for these scopes, or joins a fetch under way. */
  fetch(
    holder: string,
    scopes: readonly string[],
    get: (call: Call) => Promise<Token>,
    call: Call,
  ): Promise<string> {
    const fetchAndKeep = async (shared: Call): Promise<string> => {
      const { value, seconds } = await get(shared);
      const now = performance.now();
      const kept = this.#tokens.get(holder)?.filter((token) => token.expires > now) ?? [];
      // a tenth of its life is kept for requests on their way
      this.#tokens.set(holder, [...kept, { scopes, value, expires: now + seconds * 900 }]);
      return value;
    };
    return this.#flights.run(`${holder} ${scopes.join(" ")}`, fetchAndKeep, call);
  }
}
