import { isDeepStrictEqual } from "node:util";
import { ComposeImageError } from "../../model/errors.ts";
import type { Platform } from "../../model/platform.ts";
import { distinctPlatforms } from "../../model/select-platform.ts";
import type { PlanDraft } from "../../plan/plan-draft.ts";
import type { PlatformChoice } from "../../plan/platforms.ts";

/** Any two, to see whether a Dockerfile says the same for both. */
const samples: readonly Platform[] = [
  { os: "linux", architecture: "amd64" },
  { os: "linux", architecture: "arm", variant: "v7" },
];

/**
 * What a Dockerfile says for one platform, or for several where it says the same for all.
 *
 * @param name the file, for messages.
 * @param draftFor what it says for one.
 * @throws ComposeImageError `USAGE` where it does not; what `draftFor` throws.
 */
export function draftForPlatforms(
  choice: PlatformChoice | undefined,
  name: string,
  draftFor: (platform: Platform | undefined) => PlanDraft,
): PlanDraft {
  const platforms = choice === "all" ? samples : distinctPlatforms(choice ?? []);
  const [draft, ...others] = platforms.map(draftFor);
  if (draft === undefined) return draftFor(undefined);
  const { platform: _, ...said } = draft;
  if (others.every(({ platform: __, ...other }) => isDeepStrictEqual(other, said))) return said;
  throw new ComposeImageError(
    "USAGE",
    `${name} says something else for each platform, and several are asked for`,
    { hint: "It uses TARGETARCH or the like: compose one platform at a time, with --append-platforms." },
  );
}
