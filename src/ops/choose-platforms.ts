import type { Call } from "../io/call.ts";
import { ComposeImageError } from "../model/errors.ts";
import { formatLocation, type ImageLocation } from "../model/location.ts";
import { formatPlatform, type Platform } from "../model/platform.ts";
import { servesPlatform } from "../model/select-platform.ts";
import type { ComposePlan } from "../plan/compose-plan.ts";
import { stagesBelow } from "../plan/stages.ts";
import type { ImageResolver } from "./resolve-image.ts";

/** An image that has to be there for a platform, and the platforms it is there for. */
interface Offer {
  /** `builder registry.example/app:1` */
  readonly name: string;
  readonly platforms: readonly Platform[];
}

/**
 * The platforms that several images are composed for; `undefined` where it is one image, and the base may decide.
 *
 * @throws ComposeImageError `PLATFORM_NOT_FOUND` naming what each image has, where `"all"` comes to none; `USAGE` where
 *   nothing says what it comes to; what resolving references throws.
 */
export async function choosePlatforms(
  { platforms, ...plan }: ComposePlan,
  images: ImageResolver,
  call: Call,
): Promise<readonly Platform[] | undefined> {
  if (platforms !== "all") return platforms;
  const offers: Offer[] = [];
  for (const [side, locations] of [
    ["base", plan.base.kind === "image" ? [plan.base.location] : []],
    ["builder", plan.builderPlatform === undefined ? builderImages(plan) : []],
  ] as const) {
    for (const location of locations) {
      const name = `${side} ${formatLocation(location)}`;
      offers.push({ name, platforms: composable(await images.platforms(side, location, call)) });
    }
  }
  const [first, ...others] = offers;
  if (first === undefined) {
    throw new ComposeImageError("USAGE", "--platform all: nothing says what platforms there are", {
      hint: "Without a base, and with one builder for all platforms, name them: --platform linux/amd64,linux/arm64.",
    });
  }
  const common = first.platforms.filter((platform) =>
    others.every((other) => other.platforms.some((actual) => servesPlatform(actual, platform))),
  );
  if (common.length > 0) return common;
  throw new ComposeImageError(
    "PLATFORM_NOT_FOUND",
    `no platform is in all of ${offers.map(({ name }) => name).join(", ")}`,
    {
      hint: `${offers.map(described).join("; ")}. If the files copied do not depend on the architecture, say which builder to take with --builder-platform.`,
    },
  );
}

/** The images that files may come from, bases of other stages among them unless these say their platform. */
function builderImages(plan: ComposePlan): ImageLocation[] {
  const stages = stagesBelow(plan);
  const bases = stages.flatMap(({ base, platform }) =>
    base.kind === "image" && platform === undefined ? [base.location] : [],
  );
  const sources = [...stages, plan].flatMap(({ copies }) =>
    copies.flatMap(({ from }) => (from.kind === "image" ? [from.location] : [])),
  );
  const locations = [...sources, ...bases];
  return [...new Map(locations.map((location) => [formatLocation(location), location])).values()];
}

/** Without those for Windows, unless there is nothing else: then resolving says why that will not do. */
function composable(platforms: readonly Platform[]): readonly Platform[] {
  const linux = platforms.filter(({ os }) => os !== "windows");
  return linux.length > 0 ? linux : platforms;
}

function described({ name, platforms }: Offer): string {
  const there = platforms.map(formatPlatform).join(", ");
  return `The ${name} has ${there === "" ? "none" : there}`;
}
