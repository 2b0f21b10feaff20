import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { getCACertificates, rootCertificates } from "node:tls";
import { certificatesIn, readAuthorities, unreadable } from "./pem.ts";
import type { Environment } from "./proxy.ts";

/**
 * The authorities that are trusted without being named on the command line: those in `SSL_CERT_FILE` and
 * `SSL_CERT_DIR` (several, separated by colons) where one of them is set, else the system's, else Mozilla's; and
 * those that `NODE_EXTRA_CA_CERTS` named when the process began.
 *
 * @throws ComposeImageError `USAGE` when what a variable names cannot be read.
 */
export function systemAuthorities(env: Environment): string[] {
  const trusted = new Set(env.SSL_CERT_FILE || env.SSL_CERT_DIR ? named(env) : system());
  for (const extra of getCACertificates("extra")) trusted.add(extra);
  return [...trusted];
}

function named(env: Environment): string[] {
  const file = env.SSL_CERT_FILE ? readAuthorities(env.SSL_CERT_FILE, "SSL_CERT_FILE") : [];
  const directories = (env.SSL_CERT_DIR ?? "").split(":").filter((directory) => directory !== "");
  return [...file, ...directories.flatMap(certificatesOf)];
}

/** Whatever certificates there are in a directory's files. */
function certificatesOf(directory: string): string[] {
  let names: string[];
  try {
    names = readdirSync(directory).sort();
  } catch (cause) {
    throw unreadable(cause, `the SSL_CERT_DIR ${directory}`);
  }
  return names.flatMap((name) => {
    try {
      return certificatesIn(readFileSync(join(directory, name), "utf8"));
    } catch {
      return [];
    }
  });
}

function system(): readonly string[] {
  const certificates = getCACertificates("system");
  return certificates.length > 0 ? certificates : rootCertificates;
}
