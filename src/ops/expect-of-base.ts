import { ComposeImageError } from "../model/errors.ts";
import type { BaseExpectation } from "../plan/compose-plan.ts";
import type { ResolvedImage } from "./resolve-image.ts";

const refusals = {
  OnBuild: [
    "has ONBUILD instructions, which are not carried out here",
    "Write what they do into the Dockerfile, and build on the image that this one was built on.",
  ],
  Shell: [
    "names a shell of its own, in which this line would run",
    "Write SHELL before it, with the shell that is meant, or write the command as JSON.",
  ],
} as const;

/**
 * Refuses a base whose configuration has what it must not have.
 *
 * @throws ComposeImageError `USAGE` with the place that relies on it.
 */
export function expectOfBase(
  { name, config }: ResolvedImage,
  expectations: readonly BaseExpectation[],
): void {
  for (const { absent, where } of expectations) {
    const found = config.execution[absent];
    if (found === undefined || found === null || (Array.isArray(found) && found.length === 0)) continue;
    const [what, hint] = refusals[absent];
    throw new ComposeImageError("USAGE", `${where}: ${name} ${what}`, { hint });
  }
}
