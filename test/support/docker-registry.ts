import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./command.ts";
import type { Registry } from "./registry.ts";
import { secret } from "./secrets.ts";
import { startService } from "./service.ts";
import { temporaryDirectory } from "./temp.ts";

/** The one account of a registry started with `authenticated`. */
export const registryAccount = { username: "tester", password: secret("open:sesame-") } as const;

/** Options of {@link startDockerRegistry}. */
export interface DockerRegistryOptions {
  /** Ask for Basic authentication as {@link registryAccount}; default: nobody is asked. */
  readonly authenticated?: boolean;
  /** Ask for tokens of a token server, in the words of the registry's configuration. */
  readonly token?: {
    readonly realm: string;
    readonly service: string;
    readonly issuer: string;
    readonly rootcertbundle: string;
  };
  /** Serve by TLS with these PEM files; default: plain HTTP. */
  readonly tls?: { readonly serverCert: string; readonly serverKey: string };
  /** Take no writes. Default `false`. */
  readonly readOnly?: boolean;
  /** Remove what clients ask to be removed. Default `true`. */
  readonly deletes?: boolean;
  /** Another registry's directory, to serve its content; default: an empty one. */
  readonly directory?: string;
}

/** Starts Debian's docker-registry on a free port. */
export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<Registry> {
  const home = await temporaryDirectory("docker-registry");
  const directory = options.directory ?? join(home, "storage");
  await mkdir(directory, { recursive: true });
  const { tls, readOnly = false, deletes = true } = options;
  const config: Record<string, unknown> = {
    version: 0.1,
    log: { level: "info" },
    storage: {
      filesystem: { rootdirectory: directory },
      delete: { enabled: deletes },
      ...(readOnly && { maintenance: { readonly: { enabled: true } } }),
      cache: { blobdescriptor: "inmemory" },
    },
    http: {
      addr: "127.0.0.1:0",
      ...(tls !== undefined && { tls: { certificate: tls.serverCert, key: tls.serverKey } }),
    },
  };
  if (options.authenticated === true) {
    const path = join(home, "htpasswd");
    await writeFile(path, await accountLine());
    config.auth = { htpasswd: { realm: "test registry", path } };
  }
  if (options.token !== undefined) config.auth = { token: options.token };
  const configPath = join(home, "config.yml");
  await writeFile(configPath, JSON.stringify(config));
  const service = await startService(
    "docker-registry",
    ["serve", configPath],
    /listening on (127\.0\.0\.1:\d+)/,
    { env: { PATH: process.env.PATH, OTEL_TRACES_EXPORTER: "none" } },
  );
  const host = service.ready[1] ?? "";
  const scheme = tls === undefined ? "http" : "https";
  return {
    host,
    url: `${scheme}://${host}`,
    pid: service.pid,
    directory,
    log: service.log,
    stop: () => service.stop(),
  };
}

/** The account as htpasswd(1) writes it; the registry takes bcrypt alone, which perl(1) has of the C library. */
async function accountLine(): Promise<string> {
  const program = 'print crypt(<STDIN>, "\\$2y\\$05\\$abcdefghijklmnopqrstuu")';
  const hash = await run("perl", ["-e", program], { input: registryAccount.password });
  return `${registryAccount.username}:${hash}\n`;
}
