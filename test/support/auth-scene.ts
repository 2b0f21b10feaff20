import { chmod, mkdir, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { startDockerRegistry } from "./docker-registry.ts";
import { startEmbeddedRegistry } from "./embedded-registry.ts";
import { makeImage, pushMade } from "./make-image.ts";
import type { Fault } from "./proxy-fault.ts";
import { type Exchange, type RecordingProxy, startRecordingProxy } from "./recording-proxy.ts";
import type { Registry } from "./registry.ts";
import { type CliOptions, type CliResult, runCli } from "./run-cli.ts";
import { temporaryDirectory } from "./temp.ts";
import { startTokenServer, type TokenServer, tokenUser } from "./token-server.ts";
import type { Need } from "./tools.ts";

/** A registry that asks for tokens, with a few images, as clients see it through a proxy. */
export interface AuthScene {
  /** The registry as references name it. */
  readonly host: string;
  /** The same content for whoever asks. */
  readonly open: Registry;
  readonly tokens: TokenServer;
  readonly proxy: RecordingProxy;
  /** What befalls a request before the registry, or what checks tokens for it, sees it. */
  fault: ((exchange: Exchange) => Fault | undefined) | undefined;
  /** Forgets requests, faults and manners. */
  reset(): void;
  stop(): Promise<void>;
}

/** A kind of registry that asks for tokens. */
export interface AuthSceneKind {
  readonly name: string;
  readonly needs: readonly Need[];
  readonly start: () => Promise<AuthScene>;
}

/** docker-registry, which checks tokens itself, and the embedded registry, for which a proxy does. */
export const authSceneKinds: readonly AuthSceneKind[] = [
  {
    name: "docker-registry",
    needs: ["docker-registry"],
    start: async () => {
      const tokens = await startTokenServer();
      const open = await startDockerRegistry();
      const guarded = await startDockerRegistry({ token: tokens.settings, directory: open.directory });
      return makeScene(tokens, open, guarded, () => undefined);
    },
  },
  {
    name: "the embedded registry behind a proxy that checks tokens",
    needs: [],
    start: async () => {
      const tokens = await startTokenServer();
      const open = await startEmbeddedRegistry();
      return makeScene(tokens, open, open, (exchange) => turnAway(exchange, tokens));
    },
  },
];

async function makeScene(
  tokens: TokenServer,
  open: Registry,
  guarded: Registry,
  gate: (exchange: Exchange) => Fault | undefined,
): Promise<AuthScene> {
  const proxy = await startRecordingProxy(guarded.url);
  proxy.fault = (exchange) => scene.fault?.(exchange) ?? gate(exchange);
  const scene: AuthScene = {
    host: proxy.host,
    open,
    tokens,
    proxy,
    fault: undefined,
    reset() {
      scene.fault = undefined;
      proxy.forget();
      tokens.reset();
    },
    async stop() {
      await proxy.stop();
      await tokens.stop();
      await guarded.stop();
      if (open !== guarded) await open.stop();
    },
  };
  const builder = makeImage({
    layers: [
      { files: [{ path: "app/" }, { path: "app/a", content: "a" }] },
      { files: [{ path: "app/b", content: "b" }] },
    ],
  });
  const base = makeImage({ layers: [{ files: [{ path: "etc/" }, { path: "etc/base", content: "base" }] }] });
  for (const name of ["team/builder:1", "team/images:builder", "public/builder:1", "other/builder:1"])
    await pushMade(builder, open.url, name);
  for (const name of ["team/base:1", "team/images:base"]) await pushMade(base, open.url, name);
  return scene;
}

/** Does as docker-registry does with requests whose token is missing or not good for them. */
function turnAway(exchange: Exchange, tokens: TokenServer): Fault | undefined {
  const { method, path, query, requestHeaders } = exchange;
  const repository = /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\//.exec(path)?.[1];
  const action = method === "GET" || method === "HEAD" ? "pull" : "pull,push";
  const scopes = repository === undefined ? [] : [`repository:${repository}:${action}`];
  const from = query.get("from");
  if (from !== null) scopes.push(`repository:${from}:pull`);
  const token = bearerOf({ requestHeaders });
  if (token !== undefined && tokens.accepts(token, scopes)) return undefined;
  return challenge(401, bearerChallenge(tokens, { ...(scopes.length > 0 && { scope: scopes.join(" ") }) }));
}

/** The token that a request shows. */
export function bearerOf({ requestHeaders }: Pick<Exchange, "requestHeaders">): string | undefined {
  return /^Bearer (.*)$/.exec(requestHeaders.authorization ?? "")?.[1];
}

/** A challenge that leads to the token server. */
export function bearerChallenge(
  { settings: { realm, service } }: TokenServer,
  parameters: Readonly<Record<string, string>> = {},
): string {
  const all = Object.entries({ realm, service, ...parameters });
  return `Bearer ${all.map(([name, value]) => `${name}="${value}"`).join(",")}`;
}

/** An answer that does not let in. */
export function challenge(status: number, value: string): Fault {
  const body = JSON.stringify({ errors: [{ code: "UNAUTHORIZED", message: "authentication required" }] });
  return { kind: "answer", status, headers: { "www-authenticate": value }, body };
}

/** What a credentials file holds for the user of the token server. */
export function robotEntry(): { readonly auth: string } {
  return entryOf(tokenUser.username, tokenUser.password);
}

/** What a credentials file holds for a user. */
export function entryOf(username: string, password: string): { readonly auth: string } {
  return { auth: Buffer.from(`${username}:${password}`).toString("base64") };
}

/** A home directory with credentials files and helpers in it, and the command run there. */
export class AuthHome {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async make(): Promise<AuthHome> {
    return new AuthHome(await temporaryDirectory("auth-home"));
  }

  /** Writes a JSON file and gives its path. */
  async file(path: string, content: unknown): Promise<string> {
    const file = join(this.directory, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, JSON.stringify(content), { mode: 0o600 });
    return file;
  }

  /**
   * Installs `docker-credential-NAME`, a script of sh(1) that has `$1` and standard input. It leaves its arguments in a
   * file, which {@link run} looks at.
   */
  async helper(name: string, script: string): Promise<void> {
    const path = join(this.directory, "bin", `docker-credential-${name}`);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `#!/bin/sh\necho "$0 $*" >>"$0.arguments"\n${script}\n`);
    await chmod(path, 0o755);
  }

  /** The environment that has them. */
  env(): Record<string, string> {
    const { directory } = this;
    return {
      HOME: directory,
      XDG_RUNTIME_DIR: join(directory, "run"),
      XDG_CONFIG_HOME: join(directory, ".config"),
      DOCKER_CONFIG: join(directory, ".docker"),
      PATH: [join(directory, "bin"), process.env.PATH].join(delimiter),
    };
  }

  /** Runs the command with `--verbose` and without retries that only take time. */
  run(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    return runCli(args, { ...options, env: { ...this.env(), ...options.env } });
  }
}
