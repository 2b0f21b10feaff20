import { join } from "node:path";
import { onTestFinished } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { Sites } from "../../src/mirror/open-sites.ts";
import type { Site } from "../../src/mirror/site.ts";
import { type MirrorPlace, parseMirrorPlace } from "../../src/model/mirror-place.ts";
import { type RegistryOptions, startRegistry } from "../../src/server/start-registry.ts";
import { temporaryDirectory } from "../support/temp.ts";

/** The kinds of places that hold many repositories. */
export const siteKinds = ["registry", "oci", "oci-archive"] as const;

export type SiteKind = (typeof siteKinds)[number];

/** A place of the kind where nothing is yet; a registry is over a layout directory. */
export async function newPlace(kind: SiteKind): Promise<MirrorPlace> {
  const directory = join(await temporaryDirectory("site"), "images");
  if (kind === "oci") return { transport: "oci", directory };
  if (kind === "oci-archive") return { transport: "oci-archive", file: `${directory}.tar` };
  return parseMirrorPlace(`${await serve({ directory, writable: true })}/mirror`);
}

/** Serves a layout or an archive until the test ends, and gives its host. */
export async function serve(
  served: Pick<RegistryOptions, "directory" | "archive" | "writable">,
): Promise<string> {
  const options = { ...served, host: "127.0.0.1", port: 0 } as RegistryOptions;
  const registry = await startRegistry(options, unstoppable);
  onTestFinished(() => registry.close());
  return `${registry.host}:${registry.port}`;
}

/** Writes to a place, and closes it. */
export async function writing(place: MirrorPlace, write: (site: Site) => Promise<void>): Promise<void> {
  await using sites = new Sites({ env: {} });
  const site = await sites.target(place, unstoppable);
  await write(site);
  await site.commit?.(unstoppable);
}

/** Opens a place to be read until the test ends. */
export async function reading(place: MirrorPlace): Promise<Site> {
  const sites = new Sites({ env: {}, retries: 0 });
  onTestFinished(() => sites[Symbol.asyncDispose]());
  return sites.source(place, unstoppable);
}
