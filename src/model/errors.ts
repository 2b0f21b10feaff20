import { visibleText } from "./visible-text.ts";

/**
 * What went wrong, as a stable word that scripts and tests may rely on. `exitStatusOf` in `cli/exit-status.ts`
 * maps each to an exit status.
 */
export type ErrorCode =
  // the request itself
  | "USAGE"
  | "REFERENCE_INVALID"
  | "DIGEST_INVALID"
  | "PLATFORM_INVALID"
  | "PLATFORM_UNSUPPORTED"
  | "PLATFORM_MISMATCH"
  | "COPY_CONFLICT"
  | "USER_UNKNOWN"
  | "FORMAT_UNSUPPORTED"
  | "BASE_MISMATCH"
  | "REBASE_REFUSED"
  // credentials
  | "UNAUTHORIZED"
  | "DENIED"
  | "CREDENTIALS_UNREADABLE"
  // not there
  | "MANIFEST_NOT_FOUND"
  | "BLOB_NOT_FOUND"
  | "PLATFORM_NOT_FOUND"
  | "SOURCE_NOT_FOUND"
  | "RECORD_NOT_FOUND"
  // network
  | "NETWORK"
  | "TLS"
  // content that is not what it claims to be
  | "DIGEST_MISMATCH"
  | "SIZE_MISMATCH"
  | "MANIFEST_INVALID"
  | "CONFIG_INVALID"
  | "LAYER_INVALID"
  | "LAYER_TRUNCATED"
  | "PATH_ESCAPES"
  | "LIMIT_EXCEEDED"
  | "LAYOUT_INVALID"
  | "RECORD_INVALID"
  | "ARCHIVE_INVALID"
  // the registry said no
  | "REGISTRY_REJECTED"
  | "BLOB_UNKNOWN"
  // some of several things could not be done
  | "PARTLY_DONE"
  // this machine
  | "LOCAL_IO"
  | "SOURCE_CHANGED"
  | "DISK_FULL"
  | "INTERNAL";

/** Options of {@link ComposeImageError}. */
export interface ErrorDetails {
  /** What the reader can do about it, one sentence. */
  readonly hint?: string | undefined;
  /** The registry, as references name it, that cannot be reached: nothing else that is asked of it would fare better. */
  readonly unreachable?: string | undefined;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/** Longest message or hint, in characters: whoever writes an image must not fill a screen with it. */
const maxLength = 16 * 1024;

/**
 * The one error class of this project. The message names the side (builder, base, target), the reference and the
 * path it is about; secrets never enter it. Message and hint are single lines that are safe to print, whatever text of
 * an image or a registry was put into them.
 */
export class ComposeImageError extends Error {
  override readonly name = "ComposeImageError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly unreachable: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(oneLine(message), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint === undefined ? undefined : oneLine(details.hint);
    this.unreachable = details.unreachable;
  }
}

function oneLine(text: string): string {
  return visibleText(text.length > maxLength ? `${text.slice(0, maxLength)}…` : text);
}
