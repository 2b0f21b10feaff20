import { Retryable } from "../../io/retry.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { isHostOf } from "./hosts/api-host.ts";
import type { Party } from "./http.ts";
import { proxyFault, refusalOfProxy } from "./proxy-fault.ts";
import { redactText } from "./redact.ts";
import { isTlsCode, tlsFault } from "./tls-fault.ts";

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

/** Those of them, and of the others, that come before there is a connection. */
const connecting =
  /^(?:ECONNREFUSED|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|UND_ERR_CONNECT_TIMEOUT|ENOTFOUND|EAI_AGAIN)$/;

const checkRegistry = "Check that the registry runs and that its name and port are right.";
const checkProxy =
  "Check that the proxy in HTTPS_PROXY or HTTP_PROXY runs, and that its name and port are right; NO_PROXY names what is reached without it.";

/**
 * Turns what undici, `node:net` or `node:tls` threw into an error that names host, side and cause.
 *
 * @param host host and port that were asked.
 * @param timeoutMs the no-progress timeout, for the message.
 * @param proxy host and port of the proxy they were asked through.
 */
export function networkFault(
  error: unknown,
  host: string,
  party: Party,
  timeoutMs: number,
  proxy?: string,
): Retryable | ComposeImageError {
  if (error instanceof Retryable || error instanceof ComposeImageError) return error;
  const code = errorCode(error);
  const where = `${party.side} ${party.store}: ${host}${proxy === undefined ? "" : ` through the proxy ${proxy}`}`;
  const checkPlace = proxy === undefined ? checkRegistry : checkProxy;
  const isNoConnection = connecting.test(code) || isTlsCode(code);
  const isOwnHost = ["https:", "http:"].some((protocol) => isHostOf({ host, protocol }, party.registry));
  const unreachable = isNoConnection && isOwnHost ? party.registry : undefined;
  const network = (what: string, hint: string): ComposeImageError =>
    new ComposeImageError("NETWORK", `${where}: ${what}`, { hint, unreachable, cause: error });
  const reason = transient[code];
  if (reason !== undefined) {
    return new Retryable(network(reason, checkPlace), reason);
  }
  if (code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT")
    return stalledFault(host, party, timeoutMs);
  if (code === "EAI_AGAIN") {
    const failed = "the name could not be looked up";
    return new Retryable(network(failed, "Check the network's name servers."), failed, { limit: 1 });
  }
  if (code === "ENOTFOUND") return network("no such host", checkPlace);
  if (isTlsCode(code)) return tlsFault(error, code, where, unreachable);
  if (code.startsWith("HPE_")) {
    // also what a server leaves behind that answers HEAD with a body: a new connection helps
    const fault = network("the answer is not HTTP", "Check the port, and whether the registry wants TLS.");
    return new Retryable(fault, "the answer is not HTTP", { limit: 1 });
  }
  const refusal = refusalOfProxy(messageOf(error));
  if (refusal !== undefined) return proxyFault(refusal, where, error);
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
 * alert is not: only who speaks TLS sends one. A proxy that opens no tunnel may pass plain HTTP on.
 */
export function suggestsOtherScheme(fault: unknown): boolean {
  const error = fault instanceof Retryable ? fault.error : fault;
  const cause = error instanceof ComposeImageError ? error.cause : error;
  const refusal = refusalOfProxy(messageOf(cause));
  if (refusal !== undefined && refusal !== 407 && refusal !== 401) return true;
  const code = errorCode(cause);
  return /^(?:ERR_SSL_(?!.*ALERT)|EPROTO$|HPE_|ECONNRESET$|ECONNREFUSED$|EPIPE$|UND_ERR_SOCKET$)/.test(code);
}

/**
 * The code of the innermost cause that has one, and of the first failure where several addresses were tried; `HPE_` for
 * what is not HTTP, whether undici gives the parser's own code or not.
 */
function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return "";
  if (error.name === "HTTPParserError") return "HPE_";
  const inner = errorCode(error.cause) || (error instanceof AggregateError ? errorCode(error.errors[0]) : "");
  return inner || ("code" in error && typeof error.code === "string" ? error.code : "");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || errorCode(error) : String(error);
}
