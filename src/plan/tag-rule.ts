import type { TagRule } from "./mirror-plan.ts";
import { parseTagExpression } from "./tag-expression.ts";
import { matchesGlob, parseTagGlob } from "./tag-glob.ts";
import { semverOf } from "./tag-version.ts";
import { parseVersionRange } from "./version-range.ts";

/**
 * What a rule says of tags, to be asked for many.
 *
 * @param what names the rule in messages.
 * @throws ComposeImageError `USAGE` for a rule that nothing can be read from.
 */
export function tagMatcher(rule: TagRule, what: string): (tag: string) => boolean {
  switch (rule.kind) {
    case "name":
      return (tag) => tag === rule.name;
    case "glob": {
      const glob = parseTagGlob(rule.pattern, what);
      return (tag) => matchesGlob(glob, tag);
    }
    case "regex": {
      const expression = parseTagExpression(rule.pattern, what);
      return (tag) => expression.matches(tag);
    }
    case "semver": {
      const range = parseVersionRange(rule.range, what, rule.prereleases);
      return (tag) => {
        const version = semverOf(tag);
        return version !== undefined && range.test(version);
      };
    }
  }
}

/** The rule for messages: `regex "[0-9]+"`. */
export function formatTagRule(rule: TagRule): string {
  if (rule.kind === "name") return rule.name;
  return `${rule.kind} ${JSON.stringify(rule.kind === "semver" ? rule.range : rule.pattern)}`;
}
