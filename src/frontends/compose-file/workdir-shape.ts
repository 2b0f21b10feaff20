import type { Text } from "../../plan/text.ts";
import { list } from "../yaml/collection-shapes.ts";
import { orTemplate, text } from "../yaml/scalar-shapes.ts";
import type { Shape } from "../yaml/shape.ts";

const path = orTemplate(text("a path", String));
const paths = list(path, "a list of paths");

/** A working directory, or several that are set one after the other. */
export const workdirShape: Shape<Text | readonly Text[]> = {
  wanted: "a path, or a list of paths",
  schema: { anyOf: [path.schema, paths.schema] },
  read: (value) => (value.kind === "list" ? paths.read(value) : path.read(value)),
};

/** The same, always as a list. */
export const workdirsShape: Shape<readonly Text[]> = {
  ...workdirShape,
  read: (value) => (value.kind === "list" ? paths.read(value) : [path.read(value)]),
};
