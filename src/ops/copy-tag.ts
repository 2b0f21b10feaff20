import type { Call } from "../io/call.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { ImageLocation } from "../model/location.ts";
import { isTag } from "../model/reference.ts";
import { subjectOfTag } from "../model/referrers.ts";
import type { ListedSource, ManifestSelector } from "../store/source.ts";
import type { CopyTarget } from "./copy-locations.ts";

/**
 * The tag a copy gets: as asked for, else as at the source. What is asked for by digest stays without one from registry to
 * registry; elsewhere it would not be found again, and gets `latest`.
 *
 * @throws ComposeImageError `USAGE` for a layout's name that is no tag of a registry.
 */
export async function targetTag(
  to: CopyTarget,
  from: ImageLocation,
  source: ListedSource,
  selector: ManifestSelector,
  call: Call,
): Promise<string | undefined> {
  const { location } = to;
  if (to.tag !== undefined) return to.tag;
  if (location.transport === "docker-archive") return undefined;
  const tag = await sourceTag(from, source, selector, call);
  if (tag === undefined) {
    return location.transport === "registry" && from.transport === "registry" ? undefined : "latest";
  }
  if (location.transport !== "registry" || isTag(tag)) return tag;
  throw new ComposeImageError(
    "USAGE",
    `source ${source.name}:${tag}: the name is no tag, so the target needs one`,
    {
      hint: "Add a tag to the target.",
    },
  );
}

/** Of a layout or an archive that holds one image, the one tag that it has. */
async function sourceTag(
  from: ImageLocation,
  source: ListedSource,
  selector: ManifestSelector,
  call: Call,
): Promise<string | undefined> {
  if ("tag" in selector) return selector.tag;
  if (from.transport === "registry") return from.reference.tag;
  if (from.transport === "docker-archive") return from.reference?.tag;
  const named: string[] = [];
  for await (const tag of source.listTags(call)) {
    if (subjectOfTag(tag) === undefined && (await source.find(tag, call))?.digest === selector.digest)
      named.push(tag);
  }
  return named.length === 1 ? named[0] : undefined;
}
