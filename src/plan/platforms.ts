import { ComposeImageError } from "../model/errors.ts";
import { type Platform, parsePlatform } from "../model/platform.ts";
import { within } from "./within.ts";

/** Platforms by name, or all there are. */
export type PlatformChoice = readonly Platform[] | "all";

/**
 * Reads platforms with commas between them, or the word `all`.
 *
 * @param what names the setting in messages.
 * @throws ComposeImageError `PLATFORM_INVALID`; `USAGE` for `all` and others at once.
 */
export function parsePlatforms(text: string, what: string): PlatformChoice {
  const names = text.split(",").map((name) => name.trim());
  return joinPlatforms(
    names.map((name) => (name === "all" ? name : [within(what, () => parsePlatform(name))])),
    what,
  );
}

/** Several choices as one. */
export function joinPlatforms(choices: readonly PlatformChoice[], what: string): PlatformChoice {
  const named = choices.flatMap((choice) => (choice === "all" ? [] : choice));
  if (!choices.includes("all")) return named;
  if (named.length === 0) return "all";
  throw new ComposeImageError("USAGE", `${what}: all, and others beside it`, {
    hint: "Write all alone, or name the platforms that are meant.",
  });
}
