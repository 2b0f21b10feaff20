import { ComposeImageError, type ErrorDetails } from "../model/errors.ts";

/**
 * The error for a failed operation on this machine's files: `DISK_FULL` for a full disk or quota, else `LOCAL_IO`.
 *
 * @param what what failed, with the path: `cannot write a temporary file in /tmp`.
 */
export function localError(cause: unknown, what: string, details: ErrorDetails = {}): ComposeImageError {
  if (cause instanceof ComposeImageError) return cause;
  const code = errnoOf(cause);
  const isFull = code === "ENOSPC" || code === "EDQUOT";
  return new ComposeImageError(isFull ? "DISK_FULL" : "LOCAL_IO", `${what}: ${reasons[code] ?? code}`, {
    ...details,
    cause,
  });
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the quota is used up",
  EROFS: "the file system is read-only",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  ENOENT: "no such file or directory",
  ENOTDIR: "not a directory",
  EISDIR: "it is a directory",
  EEXIST: "something else is there",
  ELOOP: "a loop of symlinks",
  ENAMETOOLONG: "the name is too long",
  EMFILE: "too many open files",
  EPIPE: "whoever reads it has left",
};

/** The system's error code, such as `ENOENT`, or the message where there is none. */
export function errnoOf(error: unknown): string {
  if (error instanceof Error)
    return "code" in error && typeof error.code === "string" ? error.code : error.message;
  return String(error);
}
