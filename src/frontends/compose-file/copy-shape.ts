import { namesDirectory } from "../../model/destination.ts";
import { parseOwner } from "../../model/owner.ts";
import { expectInside, parseDirectory, samePath } from "../../plan/directory.ts";
import { modePattern, parseMode } from "../../plan/mode.ts";
import type { DraftCopy } from "../../plan/plan-draft.ts";
import { isTemplate, type Text } from "../../plan/text.ts";
import { within } from "../../plan/within.ts";
import { list, mappingOr, object, oneOrMore } from "../yaml/collection-shapes.ts";
import { faultAt, type Located, placeName } from "../yaml/located.ts";
import { orTemplate, text, truth, word } from "../yaml/scalar-shapes.ts";
import { described, refined, type Shape } from "../yaml/shape.ts";
import { workdirsShape } from "./workdir-shape.ts";

/** A copy step as the file has it: what it takes from may be one of the file's builders or stages. */
export interface FileCopy extends Omit<DraftCopy, "from"> {
  readonly from?: FromName | undefined;
}

/** A builder's or stage's name, or an image, with its place for messages. */
export interface FromName {
  readonly name: string;
  readonly what: string;
}

const source = text("a path or pattern", (path, what) => {
  expectInside(path, what);
  return path;
});

const copyObject = object(
  {
    from: described(
      "What to take from: the name of one of `builders` or `stages`, an image, local:DIR, or context. By default `builder`.",
      text("a name or an image", (name, what): FromName => ({ name, what })),
    ),
    src: described(
      "Paths in that image; wildcards as in a Dockerfile. A directory stands for its contents.",
      oneOrMore(orTemplate(source), "a path, or a list of paths"),
    ),
    dst: described(
      "Where it goes: into it, where it ends in a slash or is a directory. By default the path it has.",
      orTemplate(text("a path", String)),
    ),
    workdir: described(
      "What a relative destination is meant from; made where it is missing. By default the image's working directory.",
      workdirsShape,
    ),
    chown: described(
      "Owner, as user, user:group or :group; names as in the base's /etc/passwd and /etc/group.",
      orTemplate(word("an owner", (owner, what) => within(what, () => parseOwner(owner)))),
    ),
    chmod: described(
      "Octal mode of what is copied.",
      orTemplate(word("an octal mode", parseMode, { pattern: modePattern })),
    ),
    exclude: described(
      "What is left out: patterns as in .dockerignore, relative to the source.",
      list(orTemplate(text("a pattern", String)), "a list of patterns"),
    ),
    link: described("Whether the base is left out of account, as by COPY --link.", truth),
    parents: described("Whether directories above the sources are copied too, as by COPY --parents.", truth),
  },
  "a mapping with src",
  ["src"],
);

/** An item of `copy`. */
export const copyShape: Shape<FileCopy> = mappingOr(
  refined(copyObject, ({ src: sources = [], dst, exclude = [], link = false, ...rest }, value): FileCopy => {
    const destination = dst ?? destinationOf(sources, value);
    if (sources.length > 1 && !isTemplate(destination) && !namesDirectory(destination)) {
      throw faultAt(
        value,
        `has several sources, and ${destination} is a single name`,
        `End the destination in a slash: dst: ${destination}/`,
      );
    }
    return { ...rest, sources, destination, exclude, link };
  }),
  text("a path SRC or SRC:DST", (words, what): FileCopy => {
    const { source: from, destination } = parseDirectory(words, what);
    return { sources: [from], destination, exclude: [], link: false };
  }),
  "SRC[:DST], or a mapping with src",
);

function destinationOf([only, ...more]: readonly Text[], value: Located): string {
  if (only !== undefined && more.length === 0) {
    if (typeof only === "string") return samePath(only, placeName(value));
    throw faultAt(value, "refers to the base's environment in src, and has no dst", "Write dst: as well.");
  }
  throw faultAt(value, "has several sources and no dst", "Write dst: with a slash at its end.");
}
