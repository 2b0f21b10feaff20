import { ComposeImageError } from "../../model/errors.ts";
import { redactText } from "./redact.ts";

const tlsCodes =
  /^(?:CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_|ERR_SSL_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|EPROTO$)/;

/** What to do about a failure, by its code. The first that fits counts. */
const hints: readonly (readonly [RegExp, string])[] = [
  [
    /^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)|^EPROTO$/,
    "The other side may speak plain HTTP: see --insecure.",
  ],
  [
    /^ERR_SSL_.*(?:CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED)/,
    "The registry may want a client certificate, or another one: give it with --cert and --key, or in certs.d.",
  ],
  [/^ERR_SSL_/, "Check the TLS versions and the client certificate the registry asks for."],
  [/^CERT_HAS_EXPIRED$/, "The certificate has to be renewed, unless this machine's clock is wrong."],
  [/^CERT_NOT_YET_VALID$/, "Check this machine's clock: the certificate is for a later time."],
  [
    /^ERR_TLS_CERT_ALTNAME|^HOSTNAME_MISMATCH$/,
    "Ask for the registry by a name its certificate is for, or have one issued for this name.",
  ],
];

const unknownAuthority =
  "Give the authority that signed it with --ca-file or in certs.d, or skip verification with --insecure.";

/** Whether a code is one that TLS failures have. */
export function isTlsCode(code: string): boolean {
  return tlsCodes.test(code);
}

/**
 * The error for a TLS connection that could not be made.
 *
 * @param where side, store and host, for the message.
 * @param unreachable the registry, where it is its host.
 */
export function tlsFault(
  error: unknown,
  code: string,
  where: string,
  unreachable: string | undefined,
): ComposeImageError {
  const [, hint = unknownAuthority] = hints.find(([pattern]) => pattern.test(code)) ?? [];
  const said = tlsReason(error) ?? (error instanceof Error ? error.message || code : String(error));
  return new ComposeImageError("TLS", `${where}: ${redactText(said)}`, { hint, unreachable, cause: error });
}

/** What OpenSSL calls the failure, without the place in its own source that its messages name. */
function tlsReason(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const inner = tlsReason(error.cause);
  return inner ?? ("reason" in error && typeof error.reason === "string" ? error.reason : undefined);
}
