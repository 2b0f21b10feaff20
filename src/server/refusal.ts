import type { ServerResponse } from "node:http";
import type { Json } from "../model/json.ts";
import { sendJson } from "./send.ts";

/**
 * Error codes of the distribution spec; `UNKNOWN` is for failures of the registry itself, which it has no code for.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
export type RegistryErrorCode =
  | "BLOB_UNKNOWN"
  | "BLOB_UPLOAD_INVALID"
  | "BLOB_UPLOAD_UNKNOWN"
  | "DIGEST_INVALID"
  | "MANIFEST_BLOB_UNKNOWN"
  | "MANIFEST_INVALID"
  | "MANIFEST_UNKNOWN"
  | "NAME_INVALID"
  | "NAME_UNKNOWN"
  | "SIZE_INVALID"
  | "UNSUPPORTED"
  | "UNKNOWN";

/** What a {@link Refusal} carries beside its message. */
export interface RefusalDetails {
  readonly detail?: Json;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that says no. All of it goes to the client: it never holds paths of the host. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  readonly code: RegistryErrorCode;
  readonly detail: Json | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: RegistryErrorCode, message: string, details: RefusalDetails = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.detail = details.detail;
    this.headers = details.headers ?? {};
  }
}

/** Answers with the spec's error document. */
export function sendRefusal(response: ServerResponse, refusal: Refusal): void {
  const { code, message, detail, headers } = refusal;
  const errors = [{ code, message, ...(detail !== undefined && { detail }) }];
  sendJson(response, refusal.status, { errors }, headers);
}
