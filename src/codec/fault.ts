import { ComposeImageError } from "../model/errors.ts";

/** The error for packed bytes that are not what they have to be. */
export function damaged(subject: string, what: string, cause?: unknown): ComposeImageError {
  return new ComposeImageError("LAYER_INVALID", `${subject}: ${what}`, {
    hint: "The blob was packed wrongly or is damaged where it is stored; build and push the image again.",
    cause,
  });
}

/** The error for packed bytes that end too early. */
export function cutShort(subject: string, what: string): ComposeImageError {
  return new ComposeImageError("LAYER_TRUNCATED", `${subject}: ${what}`, {
    hint: "Retry; if it repeats, the blob is incomplete where it is stored: push the image again.",
  });
}

/** The error for packed bytes that take more memory to unpack than any honest layer's. */
export function oversized(subject: string, what: string, cause?: unknown): ComposeImageError {
  return new ComposeImageError("LIMIT_EXCEEDED", `${subject}: ${what}`, {
    hint: "Pack the layer again without --long, or with --long=27 at most.",
    cause,
  });
}
