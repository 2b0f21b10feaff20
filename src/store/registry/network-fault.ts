import { Retryable } from "../../io/retry.ts";
import { ComposeImageError } from "../../model/errors.ts";
import type { Party } from "./http.ts";
import { redactText } from "./redact.ts";

/** Failures of the network that often heal, by error code, and how to say them. */
const transient: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  ECONNABORTED: "connection aborted",
  EPIPE: "connection closed",
  ETIMEDOUT: "connection timed out",
  EHOSTUNREACH: "no route to the host",
  EHOSTDOWN: "the host is down",
  ENETUNREACH: "the network is unreachable",
  ENETDOWN: "the network is down",
  UND_ERR_SOCKET: "connection closed",
  UND_ERR_CONNECT_TIMEOUT: "connection timed out",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "connection closed too early",
};

const tlsCodes =
  /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_|ERR_SSL_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|EPROTO$)/;

/**
 * Turns what undici, `node:net` or `node:tls` threw into an error that names host, side and cause.
 *
 * @param host host and port that were asked.
 * @param timeoutMs the no-progress timeout, for the message.
 */
export function networkFault(
  error: unknown,
  host: string,
  party: Party,
  timeoutMs: number,
): Retryable | ComposeImageError {
  if (error instanceof Retryable || error instanceof ComposeImageError) return error;
  const code = errorCode(error);
  const where = `${party.side} ${party.store}: ${host}`;
  const network = (what: string, hint: string): ComposeImageError =>
    new ComposeImageError("NETWORK", `${where}: ${what}`, { hint, cause: error });
  const reason = transient[code];
  if (reason !== undefined) {
    return new Retryable(
      network(reason, "Check that the registry runs and that its name and port are right."),
      reason,
    );
  }
  if (code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT")
    return stalledFault(host, party, timeoutMs);
  if (code === "EAI_AGAIN") {
    const failed = "the name could not be looked up";
    return new Retryable(network(failed, "Check the network's name servers."), failed, { limit: 1 });
  }
  if (code === "ENOTFOUND") return network("no such host", "Check the registry's name.");
  if (tlsCodes.test(code)) return tlsError(error, code, where);
  if (code.startsWith("HPE_")) {
    return network("the answer is not HTTP", "Check the port, and whether the registry wants TLS.");
  }
  return network(redactText(messageOf(error)), "Check the network and the proxy settings.");
}

/** The fault of a peer that takes or brings nothing, or next to nothing, for so long. */
export function stalledFault(host: string, { side, store }: Party, timeoutMs: number): Retryable {
  const stalled = `no progress for ${timeoutMs / 1000} s`;
  const error = new ComposeImageError("NETWORK", `${side} ${store}: ${host}: ${stalled}`, {
    hint: "Try again, or allow more time with --timeout.",
  });
  return new Retryable(error, stalled, { limit: 1 });
}

/**
 * Whether a fault is one that a host speaking plain HTTP gives to a client that begins TLS, or the other way round. An
 * alert is not: only who speaks TLS sends one.
 */
export function suggestsOtherScheme(fault: unknown): boolean {
  const error = fault instanceof Retryable ? fault.error : fault;
  const code = errorCode(error instanceof ComposeImageError ? error.cause : error);
  return /^(?:ERR_SSL_(?!.*ALERT)|EPROTO$|HPE_|ECONNRESET$|ECONNREFUSED$|EPIPE$|UND_ERR_SOCKET$)/.test(code);
}

function tlsError(error: unknown, code: string, where: string): ComposeImageError {
  const hint = /^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)|^EPROTO$/.test(code)
    ? "The other side may speak plain HTTP: see --insecure."
    : code.startsWith("ERR_SSL_")
      ? "Check the TLS versions and the client certificate the registry asks for."
      : "Give the authority that signed it with --ca-file, or skip verification with --insecure.";
  return new ComposeImageError("TLS", `${where}: ${redactText(tlsReason(error) ?? messageOf(error))}`, {
    hint,
    cause: error,
  });
}

/** What OpenSSL calls the failure, without the place in its own source that its messages name. */
function tlsReason(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const inner = tlsReason(error.cause);
  return inner ?? ("reason" in error && typeof error.reason === "string" ? error.reason : undefined);
}

/** The code of the innermost cause that has one, and of the first failure where several addresses were tried. */
function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return "";
  const inner = errorCode(error.cause) || (error instanceof AggregateError ? errorCode(error.errors[0]) : "");
  return inner || ("code" in error && typeof error.code === "string" ? error.code : "");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || errorCode(error) : String(error);
}
