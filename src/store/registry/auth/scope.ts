/** What may be done in a repository. */
export type Access = "pull" | "push";

/**
 * The scope of an access to a repository, as token servers read it.
 *
 * @see https://distribution.github.io/distribution/spec/auth/scope/
 */
export function repositoryScope(repository: string, access: Access): string {
  return `repository:${repository}:${access === "push" ? "pull,push" : "pull"}`;
}

/** The scope of asking a registry for its repositories. */
export const catalogScope = "registry:catalog:*";

/** Joins scopes so that each resource occurs once, with all its actions; sorted. */
export function mergeScopes(scopes: Iterable<string>): string[] {
  const resources = new Map<string, Set<string>>();
  for (const scope of scopes) {
    for (const part of scope.split(/\s+/)) {
      const colon = part.lastIndexOf(":");
      if (colon <= 0) continue;
      const actions = resources.get(part.slice(0, colon)) ?? new Set();
      for (const action of part.slice(colon + 1).split(",")) if (action !== "") actions.add(action);
      resources.set(part.slice(0, colon), actions);
    }
  }
  return [...resources].map(([resource, actions]) => `${resource}:${[...actions].sort().join(",")}`).sort();
}

/** Whether every action of `wanted` is among those of `held`; both as {@link mergeScopes} gives them. */
export function coversScopes(held: readonly string[], wanted: readonly string[]): boolean {
  return mergeScopes([...held, ...wanted]).join(" ") === held.join(" ");
}
