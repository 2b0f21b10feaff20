import { ComposeImageError } from "../../model/errors.ts";
import type { ImageStreamName } from "../../plan/image-streams.ts";
import { object } from "../yaml/collection-shapes.ts";
import { faultAt, type Located, type LocatedMap, placeName } from "../yaml/located.ts";
import { nearestWord } from "../yaml/nearest.ts";
import { readDocuments } from "../yaml/read-documents.ts";
import { foreign, word } from "../yaml/scalar-shapes.ts";
import { refined, type Shape, unfit } from "../yaml/shape.ts";

/** What the file is called in a repository. */
export const buildRootFile = ".ci-operator.yaml";

const example = "build_root_image: {namespace: openshift, name: release, tag: golang-1.24}";

const part = (wanted: string): Shape<string> =>
  refined(word(wanted, String), (text, value) => {
    if (text !== "") return text;
    throw faultAt(value, "is empty", "Namespace, name and tag of the image stream are all needed.");
  });

const buildRootShape = object(
  { namespace: part("a namespace"), name: part("a name"), tag: part("a tag"), as: foreign },
  "a mapping with namespace, name and tag",
  ["namespace", "name", "tag"],
);

/**
 * The image that a repository is built in, as its `.ci-operator.yaml` names it. Other keys of that file are left alone.
 *
 * @param name the file's, for messages: its absolute path.
 * @throws ComposeImageError `USAGE` with file, line and column.
 * @see https://docs.ci.openshift.org/docs/architecture/ci-operator/#build-root-image
 */
export function readBuildRoot(text: string, name: string): ImageStreamName {
  const [document, second] = readDocuments(text, name);
  if (document === undefined) {
    throw new ComposeImageError("USAGE", `${name}:1:1: there is nothing in it`, {
      hint: `Write ${example}.`,
    });
  }
  if (second !== undefined)
    throw faultAt(second, "is a second one, and only one is read", "Leave one of them out.");
  if (document.kind !== "map") throw unfit(document, "a mapping with build_root_image");
  const entry = document.entries.get("build_root_image");
  if (entry === undefined) throw lacking(document);
  const { namespace = "", name: stream = "", tag = "" } = buildRootShape.read(entry.value);
  return { namespace, name: stream, tag, what: placeName(entry.value) };
}

function lacking(document: LocatedMap): ComposeImageError {
  const what = "lacks the key build_root_image";
  const inPlace: Located | undefined = document.entries.get("build_root")?.value;
  if (inPlace !== undefined) {
    const hint = `build_root is of ci-operator's own configuration; in the repository write ${example}.`;
    return faultAt(document, what, hint);
  }
  const nearest = nearestWord("build_root_image", [...document.entries.keys()]);
  const meant = nearest === undefined ? "" : `Is ${nearest} meant to be it? `;
  return faultAt(document, what, `${meant}Write ${example}.`);
}
