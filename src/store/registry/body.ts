import { withMinimumProgress } from "../../io/minimum-progress.ts";
import type { HttpAnswer, Party } from "./http.ts";
import { stalledFault } from "./network-fault.ts";

/**
 * An answer's body, chunk by chunk.
 *
 * @throws Retryable when next to nothing comes for as long as the timeout; what the connection throws.
 */
export function bodyOf(answer: HttpAnswer, party: Party, timeoutMs: number): AsyncIterable<Uint8Array> {
  const stalled = (): Error => stalledFault(answer.url.host, party, timeoutMs);
  return withMinimumProgress(answer.body, { timeoutMs, stalled });
}
