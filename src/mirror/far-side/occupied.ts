import { joinPath, type MirroredName, nameOf } from "./mirrored-name.ts";

/** A name that is not mirrored, and a place at the mirror that has another image. */
export interface Mistake {
  readonly name: string;
  readonly target: string;
}

/** What the mirror has: tells which rules would give somebody another image than they asked for. */
export class Occupied {
  readonly #names: ReadonlySet<string>;
  /** Targets by each path that they are at or below. */
  readonly #below = new Map<string, Set<string>>();

  constructor(names: readonly MirroredName[]) {
    this.#names = new Set(names.map(nameOf));
    for (const { target } of names) {
      const parts = target.split("/");
      for (let length = 0; length <= parts.length; length += 1) {
        const path = parts.slice(0, length).join("/");
        const targets = this.#below.get(path) ?? new Set();
        this.#below.set(path, targets.add(target));
      }
    }
  }

  /**
   * A name below a path of a registry that is not mirrored, and that a rule from this path to one of the mirror leads to
   * another's target; `undefined` where there is none. A path is empty for all of a registry.
   */
  mistakeOf(registry: string, path: string, target: string): Mistake | undefined {
    for (const taken of this.#below.get(target) ?? []) {
      const rest = target === "" ? taken : taken.slice(target.length + 1);
      const repository = joinPath(path, rest);
      const name = nameOf({ registry, repository });
      if (repository !== "" && !this.#names.has(name)) return { name, target: taken };
    }
    return undefined;
  }
}
