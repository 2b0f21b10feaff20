import type { Call } from "../../io/call.ts";
import type { Content } from "../../io/content.ts";
import { Retryable } from "../../io/retry.ts";
import { StallTimer } from "../../io/stall-timer.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import { repositoryScope } from "./auth/scope.ts";
import type { ByteRange } from "./content-range.ts";
import type { HttpAnswer } from "./http.ts";
import { stalledFault } from "./network-fault.ts";
import type { RegistryApi } from "./registry-api.ts";
import { uploadBody } from "./upload-body.ts";
import type { UploadParts } from "./upload-parts.ts";
import type { UploadSession } from "./upload-session.ts";
import type { UploadSource } from "./upload-source.ts";

/** Registries hash and move a blob between its last byte and their answer; this many usual timeouts are granted. */
const commitPatience = 10;

/** What parts are sent from, and to. */
export interface PartWork {
  readonly api: RegistryApi;
  readonly descriptor: Descriptor;
  readonly source: UploadSource;
  readonly parts: UploadParts;
}

/** A request that brings a part of a blob; an empty range brings nothing. */
export interface PartRequest {
  readonly method: "PATCH" | "PUT";
  readonly target: URL;
  readonly range: ByteRange;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Sends a part of a blob, and tells the session what may have arrived.
 *
 * @returns the answer, whatever its status.
 * @throws Retryable, also when the connection takes nothing for too long; the source's error; the signal's reason.
 */
export async function sendPart(
  { api, descriptor, source, parts }: PartWork,
  session: UploadSession,
  { method, target, range, headers = {} }: PartRequest,
  call: Call,
): Promise<HttpAnswer> {
  const { timeoutMs } = api.transport;
  const stall = new StallTimer(call);
  let sent = 0;
  const onSent = (bytes: number): void => {
    sent += bytes;
    session.sent = Math.max(session.sent, range.first + sent);
    api.onTransfer({ kind: "progress", direction: "upload", store: api.party.store, descriptor, bytes });
  };
  const request = {
    method,
    target,
    scopes: [repositoryScope(api.repository, "push")],
    headers: {
      "content-type": "application/octet-stream",
      "content-length": String(range.last - range.first + 1),
      ...headers,
    },
    body: (paced: (content: Content) => Content) => {
      sent = 0;
      const options = {
        source,
        range,
        stall,
        timeoutMs,
        commitMs: timeoutMs * commitPatience,
        onSent,
        paced,
      };
      return uploadBody(options, call);
    },
    headersTimeoutMs: 0,
    closing: parts.ownConnections,
  };
  session.uncertain = true;
  try {
    const answer = await api.send(request, { signal: stall.signal });
    session.uncertain = answer.status >= 300;
    return answer;
  } catch (error) {
    call.signal.throwIfAborted();
    if (source.failure !== undefined) throw source.failure;
    if (error instanceof Retryable || stall.expired) parts.shrinkAfterCut(sent);
    throw stall.expired ? stalledFault(session.location.host, api.party, timeoutMs) : error;
  } finally {
    stall.end();
  }
}
