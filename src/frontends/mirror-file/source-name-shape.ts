import type { Digest } from "../../model/digest.ts";
import { parseReference } from "../../model/reference.ts";
import { within } from "../../plan/within.ts";
import { faultAt } from "../yaml/located.ts";
import { text } from "../yaml/scalar-shapes.ts";
import { refined, type Shape } from "../yaml/shape.ts";

/** A repository to be mirrored, or an image of it. */
export interface SourceName {
  readonly registry: string;
  readonly repository: string;
  /** Set where it is written. */
  readonly tag?: string | undefined;
  readonly digest?: Digest | undefined;
}

/** `[registry/]repository`, `…:tag` or `…@digest`. */
export const sourceNameShape: Shape<SourceName> = refined(
  text("a repository", (name, what) => {
    const { registry, repository, tag, digest } = within(what, () => parseReference(name));
    const isTagged = /:[^/]*$/.test(name.replace(/@.*$/, ""));
    return { registry, repository, tag: isTagged ? tag : undefined, digest };
  }),
  (name, value) => {
    if (name.tag === undefined || name.digest === undefined) return name;
    throw faultAt(
      value,
      "has a tag and a digest",
      "Write one of them; the lock file keeps the digests of tags.",
    );
  },
);
