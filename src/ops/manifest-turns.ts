import { abortable } from "../io/abortable.ts";
import type { Call } from "../io/call.ts";
import type { Digest } from "../model/digest.ts";
import type { Target } from "../store/target.ts";

/**
 * Keeps several copies from bringing the same manifest to the same repository at the same time: who comes later finds it
 * there. What is brought while it is held is below the manifest, so that nobody waits in a circle.
 */
export class ManifestTurns {
  /** Settles, without failing, when all who had the manifest before have ended. */
  readonly #last = new Map<string, Promise<unknown>>();

  /** Does the work when nobody else is at the manifest. */
  async take<T>(manifest: Digest, target: Target, work: () => Promise<T>, call: Call): Promise<T> {
    const key = `${target.name}@${manifest}`;
    const before = this.#last.get(key);
    const mine = before === undefined ? work() : abortable(before, call).then(work);
    this.#last.set(
      key,
      Promise.allSettled([before, mine]).then(() => {}),
    );
    return mine;
  }
}
