import { parseDirectory, type SourceAndDestination } from "../../plan/directory.ts";
import { parseBase, parseTarget } from "../../plan/images.ts";
import { list, map, object } from "../yaml/collection-shapes.ts";
import { faultAt } from "../yaml/located.ts";
import { foreign, refused, text, truth, word } from "../yaml/scalar-shapes.ts";
import { refined } from "../yaml/shape.ts";

/** A path with where it goes, and its place for messages. */
export interface BuildPath extends SourceAndDestination {
  readonly what: string;
}

const texts = map(word("text", String), "a mapping of texts");

const paths = list(
  text("a path SRC or SRC:DST", (words, what): BuildPath => ({ ...parseDirectory(words, what), what })),
  "a list of paths",
  1,
);

const runtime = object(
  {
    base: object(
      { image: text("an image or scratch", parseBase), credentials: foreign },
      "a mapping with image",
      ["image"],
    ),
    workDir: text("a path", String),
    env: texts,
    labels: texts,
    directories: paths,
    paths,
    user: object({ name: word("a user", String), group: word("a group", String) }, "a mapping with name", [
      "name",
    ]),
    entrypoint: list(word("text", String), "a list of texts"),
    run: refused(
      "cannot be carried out: nothing is executed here, files are only put together",
      "Run it in the build or in the base image, and leave it out.",
    ),
  },
  "a mapping with base and paths",
);

const output = object(
  {
    image: text("an image", parseTarget),
    annotations: texts,
    labels: texts,
    credentials: foreign,
    pushSecret: foreign,
    insecure: refined(truth, (isInsecure, value) => {
      if (isInsecure)
        throw faultAt(value, "is not taken from the Build", "Give --insecure HOST, and leave it out.");
    }),
    timestamp: refused("is not known here", "Give --source-date-epoch, and leave it out."),
    vulnerabilityScan: refused(
      "cannot be carried out: nothing is scanned here",
      "Scan the image afterwards.",
    ),
  },
  "a mapping with image",
);

/**
 * A Build of Shipwright: `runtime` of the proposal and of version 0.1, which built it. What concerns the build that
 * went before is left to that.
 *
 * @see https://github.com/shipwright-io/build/blob/v0.1.0/docs/build.md
 */
export const buildShape = object(
  {
    apiVersion: text("an API version", String),
    kind: text("a kind", String),
    metadata: foreign,
    status: foreign,
    spec: object(
      {
        runtime,
        output,
        source: foreign,
        sources: foreign,
        strategy: foreign,
        builder: foreign,
        builderImage: foreign,
        dockerfile: foreign,
        parameters: foreign,
        params: foreign,
        paramValues: foreign,
        env: foreign,
        volumes: foreign,
        timeout: foreign,
        retention: foreign,
        trigger: foreign,
        nodeSelector: foreign,
        tolerations: foreign,
        schedulerName: foreign,
        runtimeClassName: foreign,
      },
      "a mapping with runtime and output",
      ["runtime"],
    ),
  },
  "a Build",
  ["apiVersion", "kind", "spec"],
);
