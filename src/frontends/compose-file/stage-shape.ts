import { parsePlatform } from "../../model/platform.ts";
import type { BaseImage } from "../../plan/compose-plan.ts";
import { parseBase } from "../../plan/images.ts";
import type { Text } from "../../plan/text.ts";
import { within } from "../../plan/within.ts";
import { list, map, object } from "../yaml/collection-shapes.ts";
import { placeName } from "../yaml/located.ts";
import { text } from "../yaml/scalar-shapes.ts";
import { described, refined } from "../yaml/shape.ts";
import { copyShape, type FileCopy } from "./copy-shape.ts";
import { stageNamePattern } from "./stage-names.ts";
import { workdirShape } from "./workdir-shape.ts";

/** A stage as the file has it. */
export interface FileStage {
  readonly base?: BaseImage | undefined;
  readonly platform?: ReturnType<typeof parsePlatform> | undefined;
  readonly copy?: readonly FileCopy[] | undefined;
  readonly workdir?: Text | readonly Text[] | undefined;
  /** Its place, for messages. */
  readonly what: string;
}

const stageObject = object(
  {
    base: described("Image to build on, or scratch.", text("an image or scratch", parseBase)),
    platform: described(
      "Platform of the base. By default that of the builders.",
      text("a platform", (name, what) => within(what, () => parsePlatform(name))),
    ),
    copy: described(
      "What is copied onto the base, in this order; each step says from.",
      list(copyShape, "a list of what to copy"),
    ),
    workdir: described("Working directory; made where it is missing.", workdirShape),
  },
  "a mapping with base and copy",
  ["base"],
);

/** The mapping `stages`. */
export const stagesShape = map(
  refined(stageObject, (stage, value): FileStage => ({ ...stage, what: placeName(value) })),
  "a mapping of names to stages",
  {
    pattern: stageNamePattern,
    hint: "A name begins with a letter and has letters, digits, dots, _ and -.",
  },
);
