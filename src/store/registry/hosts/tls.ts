import { readFileSync } from "node:fs";
import { createSecureContext, getCACertificates, rootCertificates, type SecureContext } from "node:tls";
import { ComposeImageError } from "../../../model/errors.ts";
import type { Environment } from "./proxy.ts";

/** Files that take part in TLS, all PEM. */
export interface TlsFiles {
  /** Certificates of authorities trusted in addition to the system's. */
  readonly caFile?: string | undefined;
  /** The client's certificate; needs `key`. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/**
 * What verified TLS connections are made with. Trusted are the system's authorities (those in `SSL_CERT_FILE` when it
 * is set, Mozilla's where the system has none), Node's extra ones, and `caFile`'s.
 *
 * @throws ComposeImageError `USAGE` when a file cannot be read or used.
 */
export function tlsContext(files: TlsFiles, env: Environment): SecureContext {
  const cert = files.cert === undefined ? undefined : read(files.cert, "client certificate");
  const key = files.key === undefined ? undefined : read(files.key, "client key");
  const ca = new Set(systemAuthorities(env));
  for (const extra of getCACertificates("extra")) ca.add(extra);
  if (files.caFile !== undefined) ca.add(read(files.caFile, "CA file"));
  try {
    return createSecureContext({
      ca: [...ca],
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
    });
  } catch (cause) {
    const names = [files.caFile, files.cert, files.key].filter((name) => name !== undefined).join(", ");
    throw new ComposeImageError("USAGE", `the TLS files cannot be used: ${names || env.SSL_CERT_FILE}`, {
      hint: "They must be PEM, and the key must be the certificate's.",
      cause,
    });
  }
}

function systemAuthorities(env: Environment): readonly string[] {
  if (env.SSL_CERT_FILE) return [read(env.SSL_CERT_FILE, "SSL_CERT_FILE")];
  const system = getCACertificates("system");
  return system.length > 0 ? system : rootCertificates;
}

function read(file: string, what: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new ComposeImageError("USAGE", `the ${what} ${file} cannot be read`, { cause });
  }
}
