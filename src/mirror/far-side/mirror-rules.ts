import { ComposeImageError } from "../../model/errors.ts";
import {
  joinPath,
  type MirroredName,
  type MirrorRegistry,
  nameOf,
  orderedNames,
  withoutEnd,
} from "./mirrored-name.ts";
import { Occupied } from "./occupied.ts";

/** What is below a path of a registry is below a path of the mirror, unless a rule for a longer path says otherwise. */
export interface MirrorRule {
  readonly registry: string;
  /** Empty for the whole registry. */
  readonly path: string;
  /** Path at the mirror; empty for its root. */
  readonly target: string;
}

/**
 * The fewest rules by which every name leads to its target, the longest path counting; of as few, those for longer paths. A
 * name that is not mirrored leads nowhere, or to a place that the mirror has nothing at.
 *
 * @returns in an order that depends on the names only.
 * @throws ComposeImageError `USAGE` where no rules can say it: what is below a repository's target is another's.
 */
export function mirrorRules(names: readonly MirroredName[], mirror: MirrorRegistry): MirrorRule[] {
  const ordered = orderedNames(names, mirror);
  const occupied = new Occupied(ordered);
  const trees = new Map<string, PathNode>();
  for (const name of ordered) {
    const mistake = occupied.mistakeOf(name.registry, name.repository, name.target);
    if (mistake !== undefined) {
      throw new ComposeImageError(
        "USAGE",
        `${nameOf(name)} is mirrored to ${name.target}, and ${mistake.target} is another repository's: who asks for ${mistake.name} would get that`,
        { hint: "Mirror the two to places that are not below each other." },
      );
    }
    const tree = trees.get(name.registry) ?? new PathNode("");
    trees.set(name.registry, tree);
    tree.at(name.repository).own = name.target;
  }
  return [...trees].flatMap(([registry, tree]) => {
    tree.weigh((path, target) => occupied.mistakeOf(registry, path, target) === undefined);
    return [...tree.rules(undefined)].map((rule) => ({ registry, ...rule }));
  });
}

/** More than there can be rules: it cannot be. */
const impossible = 1e9;

/** A path of a registry, with the paths below it. Costs are numbers of rules below it, this path included. */
class PathNode {
  readonly #path: string;
  readonly #children = new Map<string, PathNode>();
  /** The target of the repository that is here, if one is. */
  own: string | undefined;
  /** What it costs to have what is below, by the target that a rule gives this path; absent where it is no better than none. */
  readonly #costs = new Map<string, number>();
  #costOfNone = 0;
  /** The best rule for this very path, which is part of the cost. */
  #best: { readonly target: string | undefined; readonly cost: number } = {
    target: undefined,
    cost: impossible,
  };

  constructor(path: string) {
    this.#path = path;
  }

  at(repository: string): PathNode {
    let node: PathNode = this;
    for (const part of repository.split("/")) {
      const child = node.#children.get(part) ?? new PathNode(joinPath(node.#path, part));
      node.#children.set(part, child);
      node = child;
    }
    return node;
  }

  /** @param mayLead whether a rule from a path to a target is without mistakes. */
  weigh(mayLead: (path: string, target: string) => boolean): void {
    let sum = 0;
    const savings = new Map<string, number>();
    if (this.own !== undefined) savings.set(this.own, 0);
    for (const [part, child] of this.#children) {
      child.weigh(mayLead);
      const cost = child.#cost(undefined);
      sum += cost;
      for (const target of child.#costs.keys()) {
        const above = withoutEnd(target, part);
        if (above === undefined) continue;
        savings.set(above, (savings.get(above) ?? 0) + cost - child.#cost(target));
      }
    }
    this.#costOfNone = this.own === undefined ? sum : impossible;
    for (const [target, saving] of savings) {
      if (this.own !== undefined ? this.own !== target : saving === 0) continue;
      this.#costs.set(target, sum - saving);
      const cost = 1 + sum - saving;
      const isBetter =
        cost < this.#best.cost || (cost === this.#best.cost && target < (this.#best.target ?? ""));
      if (isBetter && mayLead(this.#path, target)) this.#best = { target, cost };
    }
  }

  /** @param inherited where a rule for a shorter path leads this one. */
  *rules(inherited: string | undefined): Generator<{ readonly path: string; readonly target: string }> {
    const best = this.#best.target;
    const isNew = best !== undefined && this.#best.cost < this.#costWithout(inherited);
    if (isNew) yield { path: this.#path, target: best };
    const target = isNew ? best : inherited;
    for (const [part, child] of this.#children) {
      yield* child.rules(target === undefined ? undefined : joinPath(target, part));
    }
  }

  #cost(inherited: string | undefined): number {
    return Math.min(this.#best.cost, this.#costWithout(inherited));
  }

  #costWithout(inherited: string | undefined): number {
    return (inherited === undefined ? undefined : this.#costs.get(inherited)) ?? this.#costOfNone;
  }
}
