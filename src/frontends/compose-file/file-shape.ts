import { parsePlatform } from "../../model/platform.ts";
import { formats, oneOf, records } from "../../plan/choices.ts";
import { compressionPattern, parseCompression } from "../../plan/compression.ts";
import { parseCopySource } from "../../plan/copy-source.ts";
import { exposedPortPattern, parseExposedPorts } from "../../plan/exposed-ports.ts";
import { parseBase, parseTarget } from "../../plan/images.ts";
import { joinPlatforms, parsePlatforms } from "../../plan/platforms.ts";
import { parseSourceDateEpoch } from "../../plan/source-date-epoch.ts";
import { parseStopSignal, stopSignalPattern } from "../../plan/stop-signal.ts";
import { parseVolume } from "../../plan/volume.ts";
import { within } from "../../plan/within.ts";
import { list, map, object, oneOrMore } from "../yaml/collection-shapes.ts";
import { faultAt, placeName } from "../yaml/located.ts";
import { count, orTemplate, text, truth, word } from "../yaml/scalar-shapes.ts";
import { described, refined, type Shape } from "../yaml/shape.ts";
import { copyShape } from "./copy-shape.ts";
import { healthcheckShape } from "./healthcheck-shape.ts";
import { imageStreamsShape } from "./image-streams-shape.ts";
import { stagesShape } from "./stage-shape.ts";
import { workdirShape } from "./workdir-shape.ts";

const image = text("an image", parseCopySource);
const platform = text("a platform", (name, what) => within(what, () => parsePlatform(name)));
const platforms = oneOrMore(text("a platform", parsePlatforms), "a list of platforms, or all");
const texts = map(word("text", String), "a mapping of texts");
const templates = map(orTemplate(word("text", String)), "a mapping of texts");
const command = oneOrMore(word("text", String), "a list of texts");

/** Also an empty list, which clears the base's; a text alone must not look like a line for a shell. */
const words: Shape<readonly string[]> = {
  wanted: command.wanted,
  schema: { anyOf: [{ type: "string", pattern: "^\\S+$" }, list(word("text", String), "").schema] },
  read: (value) => {
    if (value.kind === "list" && value.items.length === 0) return [];
    if (value.kind === "scalar" && /\s/.test(value.text)) {
      throw faultAt(
        value,
        `${value.text} has spaces, and nothing is there to take it apart`,
        "Write a list: [node, server.js].",
      );
    }
    return command.read(value);
  },
};

/** A document of `compose.yaml`: every key, how it is read, and what editors are told of it. */
export const fileShape = object(
  {
    builder: described(
      "What the copies are taken from: an image (a registry reference, oci:DIR, oci-archive:FILE or docker-archive:FILE), or a directory (local:DIR).",
      image,
    ),
    builders: described(
      "Several images or directories that copies are taken from, by names for `from`.",
      map(image, "a mapping of names to images", {
        pattern: "^[A-Za-z][A-Za-z0-9_-]*$",
        hint: "A name begins with a letter and has letters, digits, _ and -.",
      }),
    ),
    imagestreams: described(
      "Images that stand for OpenShift's image streams, by namespace/name:tag.",
      imageStreamsShape,
    ),
    stages: described(
      "Files that are put together only to be copied from, by names for `from`.",
      stagesShape,
    ),
    context: described(
      "Directory of this machine that `from: context` takes from. By default the current one.",
      text("a path", String),
    ),
    ignoreFiles: described(
      "Files with patterns of what of the context is left out, as .dockerignore has them; the first that is there counts. By default .dockerignore in the context.",
      list(text("a path", String), "a list of paths"),
    ),
    base: described("Image to build on, or scratch.", text("an image or scratch", parseBase)),
    copy: described(
      "What is copied, in this order; an empty list is nothing.",
      list(copyShape, "a list of what to copy"),
    ),
    env: described("Environment variables, merged over the base's.", templates),
    labels: described("Labels, merged over the base's.", templates),
    annotations: described("Annotations of the manifest (OCI format only).", texts),
    workdir: described("Working directory; made where it is missing.", workdirShape),
    user: described("User the container runs as: user[:group].", orTemplate(word("a user", String))),
    entrypoint: described("Entrypoint; clears the base's command.", words),
    cmd: described("Command.", words),
    shell: described("What shell forms run in.", list(word("text", String), "a list of texts", 1)),
    expose: described(
      "Ports the container listens on: 8080, 53/udp, 8000-8010.",
      list(orTemplate(word("a port", parseExposedPorts, { pattern: exposedPortPattern })), "a list of ports"),
    ),
    volumes: described(
      "Paths that are volumes, added to the base's.",
      list(orTemplate(text("a path", parseVolume)), "a list of paths"),
    ),
    stopSignal: described(
      "Signal that stops the container.",
      orTemplate(word("a signal", parseStopSignal, { pattern: stopSignalPattern })),
    ),
    healthcheck: described("How it is found out whether the container is well.", healthcheckShape),
    author: described("Who made the image.", text("text", String)),
    platforms: described(
      "Platforms of base and result; several make an index, and `all` are those that base and builders both have.",
      refined(platforms, (choices, value) => joinPlatforms(choices, placeName(value))),
    ),
    appendPlatforms: described(
      "Whether a tag becomes an index that keeps the images for other platforms it names already.",
      truth,
    ),
    builderPlatform: described("Platform of the builders, where it differs.", platform),
    tags: described("Where the image is pushed to.", list(text("an image", parseTarget), "a list of images")),
    compression: described(
      "Of the new layer: gzip, gzip:LEVEL, zstd, zstd:LEVEL or none. By default gzip:6.",
      text("gzip[:LEVEL], zstd[:LEVEL] or none", parseCompression, { pattern: compressionPattern }),
    ),
    sourceDateEpoch: described(
      "Seconds since 1970: sets back later file times, and dates the image.",
      count("a number of seconds since 1970", (seconds, what) => parseSourceDateEpoch(seconds, `${what}: `)),
    ),
    record: described(
      "Whether the image says what it was made from. By default annotations.",
      text("annotations or none", (choice, what) => oneOf(choice, records, what), { enum: records }),
    ),
    format: described(
      "Of manifest and configuration. By default the base's.",
      text("oci or docker", (choice, what) => oneOf(choice, formats, what), { enum: formats }),
    ),
    historyComment: described("Comment of the new layer's history entry.", text("text", String)),
  },
  "a mapping with builder, base, copy and tags",
);
