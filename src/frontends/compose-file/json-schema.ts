import type { JsonObject } from "../../model/json.ts";
import { fileShape } from "./file-shape.ts";

/**
 * The JSON Schema of a document of `compose.yaml`, made from the same table that reads it.
 *
 * @see https://json-schema.org/draft/2020-12
 */
export function composeFileSchema(): JsonObject {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "compose.yaml of compose-image",
    description: "What to compose an image from, what it says, and where it goes.",
    ...fileShape.schema,
  };
}
