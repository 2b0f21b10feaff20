import type { JsonObject } from "../../model/json.ts";
import { mirrorFileShape } from "./file-shape.ts";

/**
 * The JSON Schema of `mirror.yaml`, made from the same table that reads it.
 *
 * @see https://json-schema.org/draft/2020-12
 */
export function mirrorFileSchema(): JsonObject {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "mirror.yaml of compose-image",
    description: "Which images to mirror, and what they are called at the destination.",
    ...mirrorFileShape.schema,
  };
}
