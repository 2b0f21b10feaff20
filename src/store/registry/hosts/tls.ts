import { createSecureContext, type SecureContext } from "node:tls";
import { ComposeImageError } from "../../../model/errors.ts";
import {
  certsDirectories,
  findCertsDirectory,
  type HostCertificates,
  readCertsDirectory,
} from "./certs-directory.ts";
import { type ClientPair, readAuthorities, readClientPair } from "./pem.ts";
import type { Environment } from "./proxy.ts";
import { systemAuthorities } from "./system-authorities.ts";

/** Files that take part in TLS, all PEM. */
export interface TlsFiles {
  /** Certificates of authorities trusted in addition to the system's. */
  readonly caFile?: string | undefined;
  /** The client's certificate; needs `key`. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Directory with `*.crt`, and `*.cert` with `*.key`, for every registry; takes the place of `certs.d`. */
  readonly certDir?: string | undefined;
}

/** What TLS connections are made with: for all hosts, and what `certs.d` has for single ones. */
export class TlsSettings {
  readonly #env: Environment;
  readonly #named: HostCertificates;
  readonly #client: ClientPair | undefined;
  readonly #parents: readonly string[];
  readonly #directories = new Map<string, string | undefined>();
  readonly #contexts = new Map<string | undefined, SecureContext>();
  #system: readonly string[] | undefined;

  /**
   * Reads the files that were named, so that a mistake shows before anything is asked for.
   *
   * @throws ComposeImageError `USAGE` naming the file that cannot be read or used.
   */
  constructor(files: TlsFiles, env: Environment) {
    const { caFile, cert, key, certDir } = files;
    this.#env = env;
    const directory = certDir === undefined ? { authorities: [], clients: [] } : readCertsDirectory(certDir);
    const authorities = caFile === undefined ? [] : readAuthorities(caFile, "CA file");
    this.#named = { ...directory, authorities: [...authorities, ...directory.authorities] };
    this.#client = clientPair(cert, key);
    this.#parents = certDir === undefined ? certsDirectories(env) : [];
  }

  /** What tells servers apart that are not reached with the same {@link context}: the directory in `certs.d`. */
  directoryFor(url: URL): string | undefined {
    const { host } = url;
    if (!this.#directories.has(host)) {
      this.#directories.set(host, findCertsDirectory(url, this.#parents));
    }
    return this.#directories.get(host);
  }

  /**
   * Authorities and client certificates for the server of a URL. A client certificate that was named goes before those
   * of a directory.
   *
   * @throws ComposeImageError `USAGE` naming what cannot be read or used.
   */
  context(url: URL): SecureContext {
    const directory = this.directoryFor(url);
    const known = this.#contexts.get(directory);
    if (known !== undefined) return known;
    const found = directory === undefined ? this.#named : readCertsDirectory(directory);
    const clients = this.#client === undefined ? found.clients : [this.#client];
    this.#system ??= systemAuthorities(this.#env);
    const context = createSecureContext({
      ca: [...new Set([...this.#system, ...this.#named.authorities, ...found.authorities])],
      ...(clients.length > 0 && {
        cert: clients.map(({ cert }) => cert),
        key: clients.map(({ key }) => key),
      }),
    });
    this.#contexts.set(directory, context);
    return context;
  }
}

function clientPair(cert: string | undefined, key: string | undefined): ClientPair | undefined {
  if (cert !== undefined && key !== undefined) return readClientPair(cert, key);
  if (cert === undefined && key === undefined) return undefined;
  throw new ComposeImageError(
    "USAGE",
    cert === undefined
      ? `the client key ${key} has no certificate with it`
      : `the client certificate ${cert} has no key with it`,
    { hint: "--cert and --key go together." },
  );
}
