import { ComposeImageError, type ErrorCode } from "../model/errors.ts";
import { Interrupted } from "./interrupt.ts";

/** What the command's exit status says; the README has the same table for people. */
export const exitStatus = {
  done: 0,
  negative: 1,
  usage: 2,
  unauthorized: 3,
  notFound: 4,
  network: 5,
  integrity: 6,
  rejected: 7,
  localIo: 8,
  partlyDone: 9,
  internal: 70,
} as const;

const statusOfCode: Readonly<Record<ErrorCode, number>> = {
  USAGE: exitStatus.usage,
  REFERENCE_INVALID: exitStatus.usage,
  DIGEST_INVALID: exitStatus.usage,
  PLATFORM_INVALID: exitStatus.usage,
  PLATFORM_UNSUPPORTED: exitStatus.usage,
  PLATFORM_MISMATCH: exitStatus.usage,
  COPY_CONFLICT: exitStatus.usage,
  USER_UNKNOWN: exitStatus.usage,
  FORMAT_UNSUPPORTED: exitStatus.usage,
  BASE_MISMATCH: exitStatus.usage,
  REBASE_REFUSED: exitStatus.usage,
  UNAUTHORIZED: exitStatus.unauthorized,
  DENIED: exitStatus.unauthorized,
  CREDENTIALS_UNREADABLE: exitStatus.unauthorized,
  MANIFEST_NOT_FOUND: exitStatus.notFound,
  BLOB_NOT_FOUND: exitStatus.notFound,
  PLATFORM_NOT_FOUND: exitStatus.notFound,
  SOURCE_NOT_FOUND: exitStatus.notFound,
  RECORD_NOT_FOUND: exitStatus.notFound,
  NETWORK: exitStatus.network,
  TLS: exitStatus.network,
  DIGEST_MISMATCH: exitStatus.integrity,
  SIZE_MISMATCH: exitStatus.integrity,
  MANIFEST_INVALID: exitStatus.integrity,
  CONFIG_INVALID: exitStatus.integrity,
  LAYER_INVALID: exitStatus.integrity,
  LAYER_TRUNCATED: exitStatus.integrity,
  PATH_ESCAPES: exitStatus.integrity,
  LIMIT_EXCEEDED: exitStatus.integrity,
  LAYOUT_INVALID: exitStatus.integrity,
  RECORD_INVALID: exitStatus.integrity,
  ARCHIVE_INVALID: exitStatus.integrity,
  REGISTRY_REJECTED: exitStatus.rejected,
  BLOB_UNKNOWN: exitStatus.rejected,
  PARTLY_DONE: exitStatus.partlyDone,
  LOCAL_IO: exitStatus.localIo,
  SOURCE_CHANGED: exitStatus.localIo,
  DISK_FULL: exitStatus.localIo,
  INTERNAL: exitStatus.internal,
};

/** Ends a command whose answer is no: all has been said, and only the exit status is left to say it. */
export class NegativeAnswer extends Error {
  override readonly name = "NegativeAnswer";
}

/** The exit status for whatever ended the command. */
export function exitStatusOf(error: unknown): number {
  if (error instanceof Interrupted) return error.exitStatus;
  if (error instanceof NegativeAnswer) return exitStatus.negative;
  return error instanceof ComposeImageError ? statusOfCode[error.code] : exitStatus.internal;
}
