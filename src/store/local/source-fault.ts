import { errnoOf, localError } from "../../io/local-error.ts";
import { ComposeImageError } from "../../model/errors.ts";

/** The error for what is not any more what it was when its directory was listed. */
export function sourceChanged(path: string, cause?: unknown): ComposeImageError {
  return new ComposeImageError("SOURCE_CHANGED", `${path} changed while it was read`, {
    hint: "Compose again once nothing writes to the directory.",
    cause,
  });
}

/** The error for a file or directory that was listed and cannot be opened: gone and replaced ones have changed. */
export function openFault(path: string, cause: unknown): ComposeImageError {
  if (cause instanceof ComposeImageError) return cause;
  const isChanged = ["ENOENT", "ENOTDIR", "ELOOP", "ENXIO", "EISDIR"].includes(errnoOf(cause));
  if (isChanged) return sourceChanged(path, cause);
  return localError(cause, `cannot read ${path}`, {
    hint: "Make it readable, or leave it out: by --exclude, or in .dockerignore.",
  });
}
