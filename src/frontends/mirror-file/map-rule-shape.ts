import { parseRegistryName, type RegistryName } from "../../model/reference.ts";
import { within } from "../../plan/within.ts";
import { object } from "../yaml/collection-shapes.ts";
import { faultAt, type Located } from "../yaml/located.ts";
import { text, word } from "../yaml/scalar-shapes.ts";
import { described, refined, type Shape } from "../yaml/shape.ts";
import { expectTarget } from "./target-path-shape.ts";

/** A rule for what repositories are called at the destination. */
export interface MapRule {
  /** A registry, or repositories of one. */
  readonly replace: RegistryName;
  /** What goes in their place; empty for nothing. */
  readonly with: string;
  readonly value: Located;
}

const replace = refined(
  text("a registry, or the beginning of a name", (name, what) => within(what, () => parseRegistryName(name))),
  (name, value) => {
    if (/[.:[]/.test(name.registry) || name.registry === "localhost") return name;
    throw faultAt(value, `names no registry: ${name.registry}`, "Write for example docker.io/library/.");
  },
);

const put = refined(word("a path", String), (path, value) => {
  const trimmed = path.replace(/^\/+|\/+$/g, "");
  if (trimmed !== "") expectTarget(trimmed, value);
  return trimmed;
});

/** An item of `map`. */
export const mapRuleShape: Shape<MapRule> = refined(
  object(
    {
      replace: described("Beginning of the name, in whole parts: docker.io/library/.", replace),
      with: described("What goes in its place; may be empty.", put),
    },
    "a mapping with replace and with",
    ["replace", "with"],
  ),
  ({ replace: from = { registry: "", path: "" }, with: to = "" }, value) => ({
    replace: from,
    with: to,
    value,
  }),
);

/** What a repository is called at the destination by the first rule that fits; its own path without one. */
export function mappedTarget(rules: readonly MapRule[], { registry, path }: RegistryName): string {
  for (const { replace: from, with: to } of rules) {
    if (from.registry !== registry) continue;
    const isAll = from.path === "";
    if (!isAll && path !== from.path && !path.startsWith(`${from.path}/`)) continue;
    const rest = isAll ? path : path.slice(from.path.length + 1);
    return [to, rest].filter((part) => part !== "").join("/");
  }
  return path;
}
