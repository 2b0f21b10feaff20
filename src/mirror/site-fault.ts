import type { Digest } from "../model/digest.ts";
import { ComposeImageError, type ErrorCode } from "../model/errors.ts";

/** Something that is not there, or not what it should be. */
export interface SiteFault {
  /** Its path; `undefined` for what is wrong with the whole place. */
  readonly repository: string | undefined;
  /** The tag that leads there, where one does so directly. */
  readonly tag: string | undefined;
  readonly digest: Digest | undefined;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
}

/** Faults of what is stored. All others keep it from being looked at, and are thrown. */
const codesOfContent: readonly ErrorCode[] = [
  "MANIFEST_NOT_FOUND",
  "BLOB_NOT_FOUND",
  "DIGEST_MISMATCH",
  "SIZE_MISMATCH",
  "DIGEST_INVALID",
  "MANIFEST_INVALID",
  "LIMIT_EXCEEDED",
  "REGISTRY_REJECTED",
  "LOCAL_IO",
];

/** The error where it is about the content that was asked for; throws every other one. */
export function contentFault(error: unknown): ComposeImageError {
  if (error instanceof ComposeImageError && codesOfContent.includes(error.code)) return error;
  throw error;
}

/** The order of faults in reports: by repository, tag, digest, message. */
export function compareFaults(a: SiteFault, b: SiteFault): number {
  const keyOf = ({ repository, tag, digest, message }: SiteFault): string =>
    [repository ?? "", tag ?? "", digest ?? "", message].join("\0");
  const [keyOfA, keyOfB] = [keyOf(a), keyOf(b)];
  return keyOfA < keyOfB ? -1 : keyOfA > keyOfB ? 1 : 0;
}
