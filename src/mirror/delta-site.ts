import type { Call } from "../io/call.ts";
import type { Target } from "../store/target.ts";
import { DeltaTarget } from "./delta-target.ts";
import type { Inventory } from "./inventory.ts";
import { type Receiver, receiverOf } from "./receiver.ts";
import type { Site } from "./site.ts";

/** A site in which nothing is written that a receiver has by its inventory. */
export class DeltaSite implements Site {
  readonly name: string;
  readonly isDelta = true;
  readonly commit?: (call: Call) => Promise<void>;
  readonly #site: Site;
  readonly #receiver: Receiver;
  readonly #repositories = new Map<string, Target>();

  constructor(site: Site, inventory: Inventory) {
    this.name = site.name;
    this.#site = site;
    this.#receiver = receiverOf(inventory);
    const { commit } = site;
    if (commit !== undefined) this.commit = (call) => commit.call(site, call);
  }

  repositories(call: Call): Promise<readonly string[]> {
    return this.#site.repositories(call);
  }

  repository(path: string): Target {
    const known = this.#repositories.get(path);
    const target = known ?? new DeltaTarget(this.#site.repository(path), this.#receiver, path);
    this.#repositories.set(path, target);
    return target;
  }
}
