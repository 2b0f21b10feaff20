import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { localError } from "../../../io/local-error.ts";
import { ComposeImageError } from "../../../model/errors.ts";

/** A client's certificate, with those above it, and its key: both PEM. */
export interface ClientPair {
  readonly cert: string;
  readonly key: string;
}

const certificateBlock =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]*-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

/** The certificates in a text, each as a PEM block of its own. */
export function certificatesIn(text: string): string[] {
  return text.match(certificateBlock) ?? [];
}

/**
 * Reads certificates of authorities.
 *
 * @param what which file it is, for messages: `CA file`.
 * @throws ComposeImageError `USAGE` naming the file when it cannot be read, holds none, or a damaged one.
 */
export function readAuthorities(file: string, what: string): string[] {
  const certificates = certificatesIn(readText(file, what));
  if (certificates.length === 0) {
    throw new ComposeImageError("USAGE", `the ${what} ${file} has no certificate in it`, {
      hint: "It must be PEM: a DER file is converted by openssl x509 -inform der -in FILE -out FILE.pem.",
    });
  }
  for (const certificate of certificates) {
    try {
      new X509Certificate(certificate);
    } catch (cause) {
      throw new ComposeImageError("USAGE", `the ${what} ${file} has a damaged certificate in it`, {
        hint: "Copy the file again from where it was made.",
        cause,
      });
    }
  }
  return certificates;
}

/**
 * Reads a client's certificate and key.
 *
 * @throws ComposeImageError `USAGE` naming the files when one cannot be read or they do not belong together.
 */
export function readClientPair(certFile: string, keyFile: string): ClientPair {
  const pair = {
    cert: readText(certFile, "client certificate"),
    key: readText(keyFile, "client key"),
  };
  try {
    createSecureContext({ ...pair, ca: [] });
  } catch (cause) {
    throw new ComposeImageError(
      "USAGE",
      `the client certificate ${certFile} and the key ${keyFile} cannot be used`,
      {
        hint: "Both must be PEM, the key must be the certificate's, and have no passphrase.",
        cause,
      },
    );
  }
  return pair;
}

function readText(file: string, what: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw unreadable(cause, `the ${what} ${file}`);
  }
}

/** The error for something of the configuration that is there or was named, and cannot be read. */
export function unreadable(cause: unknown, what: string): ComposeImageError {
  const { message } = localError(cause, `${what} cannot be read`);
  return new ComposeImageError("USAGE", message, {
    hint: "Check the path, and that this user may read it.",
    cause,
  });
}
