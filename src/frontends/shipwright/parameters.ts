import { faultAt, type Located, type LocatedMap, mapScalars } from "../yaml/located.ts";
import type { Variables } from "../yaml/substitute.ts";

/**
 * Puts parameters into what `spec.runtime` and `spec.output` say: `$(workspace)`, `$(params.version)`. What the rest of
 * a Build says is the build's.
 *
 * @throws ComposeImageError `USAGE` for a parameter that is not given.
 */
export function substituteParameters(document: LocatedMap, parameters: Variables): LocatedMap {
  const inParts = (part: Located): Located =>
    mapScalars(part, (scalar) => {
      if (typeof scalar.value !== "string") return scalar;
      const text = scalar.text.replaceAll(/\$\(([^()]*)\)/g, (_, name: string) => {
        const value = parameters.get(name);
        if (value !== undefined) return value;
        throw faultAt(
          scalar,
          `needs the parameter $(${name}), which is not given`,
          `Give --set ${name}=VALUE with what it was in the build.`,
        );
      });
      return { ...scalar, value: text, text };
    });
  return changedEntry(document, "spec", (spec) =>
    spec.kind === "map" ? changedEntry(changedEntry(spec, "runtime", inParts), "output", inParts) : spec,
  );
}

function changedEntry(map: LocatedMap, key: string, change: (value: Located) => Located): LocatedMap {
  const entry = map.entries.get(key);
  if (entry === undefined) return map;
  return { ...map, entries: new Map(map.entries).set(key, { ...entry, value: change(entry.value) }) };
}
