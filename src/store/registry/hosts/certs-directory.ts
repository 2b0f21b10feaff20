import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../../../io/local-error.ts";
import { ComposeImageError } from "../../../model/errors.ts";
import { canonicalRegistry } from "./api-host.ts";
import { homeOf } from "./home.ts";
import { type ClientPair, readAuthorities, readClientPair, unreadable } from "./pem.ts";
import type { Environment } from "./proxy.ts";

/** What a directory of `certs.d` says about one registry. */
export interface HostCertificates {
  /** PEM, trusted besides the system's. */
  readonly authorities: readonly string[];
  readonly clients: readonly ClientPair[];
}

/**
 * The `certs.d` directories that may have one for a registry, in the order they are looked at; the first that has one
 * counts.
 *
 * @see https://github.com/containers/image/blob/v5.36.0/docs/containers-certs.d.5.md
 */
export function certsDirectories(env: Environment): string[] {
  const home = homeOf(env);
  return [
    ...(home === undefined ? [] : [join(home, ".config/containers/certs.d")]),
    "/etc/containers/certs.d",
    "/etc/docker/certs.d",
  ];
}

/**
 * The directory in `certs.d` for the server of a URL. It is named like the registry in references; where the port is
 * the scheme's own, the names with and without it are the same.
 *
 * @param parents as {@link certsDirectories} gives them. One that may not be looked into is passed over.
 */
export function findCertsDirectory(url: URL, parents: readonly string[]): string | undefined {
  const name = canonicalRegistry(url.host);
  const names = url.port === "" ? [name, `${name}:443`] : [name];
  return parents
    .flatMap((parent) => names.map((registry) => join(parent, registry)))
    .find((directory) => isDirectory(directory));
}

/**
 * Reads `*.crt` (authorities) and `*.cert` with the `*.key` of the same name (client certificates).
 *
 * @throws ComposeImageError `USAGE` naming the file that cannot be read or used, or that lacks its other half.
 */
export function readCertsDirectory(directory: string): HostCertificates {
  let names: string[];
  try {
    names = readdirSync(directory).sort();
  } catch (cause) {
    throw unreadable(cause, `the certificate directory ${directory}`);
  }
  const withExtension = (extension: string): string[] =>
    names.filter((name) => name.endsWith(extension)).map((name) => name.slice(0, -extension.length));
  const [certs, keys] = [withExtension(".cert"), withExtension(".key")];
  const alone =
    certs.filter((name) => !keys.includes(name)).map((name) => [`${name}.cert`, `${name}.key`])[0] ??
    keys.filter((name) => !certs.includes(name)).map((name) => [`${name}.key`, `${name}.cert`])[0];
  if (alone !== undefined) {
    throw new ComposeImageError("USAGE", `${directory} has ${alone[0]} but no ${alone[1]}`, {
      hint: "A client certificate is NAME.cert with NAME.key beside it; authorities are *.crt.",
    });
  }
  return {
    authorities: withExtension(".crt").flatMap((name) =>
      readAuthorities(join(directory, `${name}.crt`), "CA file"),
    ),
    clients: certs.map((name) =>
      readClientPair(join(directory, `${name}.cert`), join(directory, `${name}.key`)),
    ),
  };
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES"].includes(errnoOf(error))) return false;
    throw unreadable(error, `the certificate directory ${path}`);
  }
}
