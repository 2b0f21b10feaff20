import { ComposeImageError } from "../model/errors.ts";
import { formatLocation, type ImageLocation, parseLocation } from "../model/location.ts";

/** Where a copy goes to, as it was asked for. */
export interface CopyTarget {
  readonly location: ImageLocation;
  /** The tag asked for; `undefined` where the source's is meant. An archive of `docker save` has whole names, or none. */
  readonly tag: string | undefined;
}

/**
 * Reads what `copy` copies from and to.
 *
 * @throws ComposeImageError `REFERENCE_INVALID`; `USAGE` for a target by digest, for a single tag where all are meant, and
 *   for what holds one image only.
 */
export function parseCopyLocations(
  sourceText: string,
  targetText: string,
  allTags: boolean,
): { readonly source: ImageLocation; readonly target: CopyTarget } {
  const source = parseLocation(sourceText);
  const location = parseLocation(targetText);
  const target = { location, tag: tagIn(location, targetText) };
  if (location.transport === "registry" && location.reference.digest !== undefined) {
    throw new ComposeImageError("USAGE", `target ${targetText}: a digest is not chosen but kept`, {
      hint: "Leave out the part from @ on: what is copied has the digest it has at the source.",
    });
  }
  if (allTags) expectAllTags(source, sourceText, target);
  return { source, target };
}

function expectAllTags(source: ImageLocation, sourceText: string, target: CopyTarget): void {
  const refuse = (what: string, hint: string): never => {
    throw new ComposeImageError("USAGE", `--all-tags: ${what}`, { hint });
  };
  const byDigest = source.transport === "registry" && source.reference.digest !== undefined;
  if (byDigest || tagIn(source, sourceText) !== undefined || target.tag !== undefined) {
    refuse("a tag or digest is named as well", "Name the repositories, layouts or archives alone.");
  }
  if (source.transport === "docker-archive" || target.location.transport === "docker-archive") {
    refuse("a docker-archive: holds no repository", "Use oci-archive:FILE, or copy one image.");
  }
}

/** The tag that the text names; a reference that names none means `latest`. */
function tagIn(location: ImageLocation, text: string): string | undefined {
  switch (location.transport) {
    case "registry":
      return /:[^/:@]+(?:@|$)/.test(text.replace(/^docker:\/\//, "").replace(/^[^/]*\//, "/"))
        ? location.reference.tag
        : undefined;
    case "docker-archive":
      return location.reference && formatLocation({ transport: "registry", reference: location.reference });
    default:
      return location.tag;
  }
}
