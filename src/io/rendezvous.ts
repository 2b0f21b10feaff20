import { abortable } from "./abortable.ts";
import type { Call } from "./call.ts";

/** Does what all have come for; stopped by the call of the one who came first. */
export type JointWork<T> = (items: readonly T[], call: Call) => Promise<void>;

/** One meeting: who is there waits until all are. */
interface Meeting<T> {
  readonly items: T[];
  readonly work: JointWork<T>;
  readonly call: Call;
  /** Settled when the work begins. */
  readonly begun: PromiseWithResolvers<{ readonly done: Promise<void> }>;
}

/**
 * Where several parties meet whenever they have work of a kind: it is done once for all of them, when each has come or has
 * left for good. Parties share what stops them: one that fails has to stop the others.
 */
export class Rendezvous<T> {
  readonly #parties: number;
  readonly #allLeft = Promise.withResolvers<void>();
  #meeting: Meeting<T> | undefined;
  #left = 0;

  constructor(parties: number) {
    this.#parties = parties;
  }

  /**
   * Waits for the others, and then for the work.
   *
   * @throws what the work throws, to each of them.
   */
  async join(item: T, work: JointWork<T>, call: Call): Promise<void> {
    this.#meeting ??= { items: [], work, call, begun: Promise.withResolvers() };
    const { begun, items } = this.#meeting;
    items.push(item);
    this.#beginWhenComplete();
    const { done } = await abortable(begun.promise, call);
    await done;
  }

  /** Leaves for good, and waits until all have. */
  async leave(call: Call): Promise<void> {
    this.#left += 1;
    if (this.#left === this.#parties) this.#allLeft.resolve();
    this.#beginWhenComplete();
    await abortable(this.#allLeft.promise, call);
  }

  #beginWhenComplete(): void {
    const meeting = this.#meeting;
    if (meeting === undefined || meeting.items.length + this.#left < this.#parties) return;
    this.#meeting = undefined;
    const { items, work, call, begun } = meeting;
    const done = work(items, call);
    done.catch(() => {});
    begun.resolve({ done });
  }
}
