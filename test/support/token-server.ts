import { createPrivateKey, sign, verify, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { run } from "./command.ts";
import { keepSecret, secret } from "./secrets.ts";
import { temporaryDirectory } from "./temp.ts";

/** A request for a token, as it came. */
export interface TokenAsked {
  readonly method: string;
  /** Each with one resource, sorted. */
  readonly scopes: readonly string[];
  /** Who was let in; `undefined` for nobody in particular, or nobody at all. */
  readonly user: string | undefined;
  readonly status: number;
}

/** How a token server behaves; may be changed while it runs. */
export interface TokenServerManners {
  /** The name the token has in the reply. */
  field: "token" | "access_token";
  /** `expires_in` of the reply; left out when `undefined`. */
  expiresIn: number | undefined;
  /** The status of every POST; `undefined` for OAuth2 as it should be. */
  postStatus: number | undefined;
  /** Whether somebody may do something in a repository. */
  allows: (user: string | undefined, repository: string, action: string) => boolean;
  /** Waited for before every answer. */
  hold: Promise<unknown> | undefined;
}

/** A token server on loopback, with one user. */
export interface TokenServer {
  /** What docker-registry needs to take its tokens. */
  readonly settings: {
    readonly realm: string;
    readonly service: string;
    readonly issuer: string;
    readonly rootcertbundle: string;
  };
  /** Since the start or the last {@link reset}. */
  readonly asked: readonly TokenAsked[];
  readonly manners: TokenServerManners;
  /** Signs a token good for these scopes. */
  token(scopes: readonly string[], user?: string): string;
  /** Whether a token is one of this server's and good for all the scopes. */
  accepts(token: string, scopes: readonly string[]): boolean;
  /** Forgets what was asked and how to behave. */
  reset(): void;
  stop(): Promise<void>;
}

/** The one user of a token server. */
export const tokenUser = {
  username: "robot",
  password: secret("pass:word-of-robot"),
  refreshToken: secret("refresh-token-of-robot"),
} as const;

const service = "registry, of tests";
const issuer = "issuer of tests";

const usualManners = (): TokenServerManners => ({
  field: "token",
  expiresIn: 300,
  postStatus: undefined,
  allows: (user, repository, action) =>
    user !== undefined || (repository.startsWith("public/") && action === "pull"),
  hold: undefined,
});

/**
 * Starts it on a free port, with a key made by openssl(1). Its tokens are what the distribution project's
 * documentation describes, signed with RS256.
 *
 * @see https://distribution.github.io/distribution/spec/auth/jwt/
 */
export async function startTokenServer(): Promise<TokenServer> {
  const home = await temporaryDirectory("token-server");
  const [keyFile, certificateFile] = [join(home, "key.pem"), join(home, "certificate.pem")];
  await run("openssl", [
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Test tokens"],
    ...["-keyout", keyFile, "-out", certificateFile],
  ]);
  const key = createPrivateKey(await readFile(keyFile));
  const certificate = new X509Certificate(await readFile(certificateFile));
  const header = encode({ typ: "JWT", alg: "RS256", x5c: [certificate.raw.toString("base64")] });
  const asked: TokenAsked[] = [];
  const manners = usualManners();
  let serial = 0;

  const token = (scopes: readonly string[], user = ""): string => {
    const now = Math.floor(Date.now() / 1000);
    serial += 1;
    const access = scopes.map((scope) => {
      const [type = "", name = "", actions = ""] = scope.split(":");
      return { type, name, actions: actions.split(",").filter((action) => action !== "") };
    });
    const times = { exp: now + 300, nbf: now - 10, iat: now };
    const claims = { iss: issuer, sub: user, aud: service, ...times, jti: String(serial), access };
    const signed = `${header}.${encode(claims)}`;
    const signature = sign("sha256", Buffer.from(signed), key).toString("base64url");
    keepSecret(signature, "signature of a token");
    return `${signed}.${signature}`;
  };

  const server = createServer(async (request, response) => {
    const form = new URLSearchParams(await bodyOf(request));
    await manners.hold;
    const url = new URL(request.url ?? "/", "http://tokens");
    const isPost = request.method === "POST";
    const wanted = (isPost ? form : url.searchParams).getAll("scope").flatMap((scope) => scope.split(" "));
    const scopes = wanted.filter((scope) => scope !== "").sort();
    const answer = (status: number, body: unknown, user?: string): void => {
      asked.push({ method: request.method ?? "", scopes, user, status });
      respond(response, status, body);
    };
    if (isPost && manners.postStatus !== undefined) return answer(manners.postStatus, {});
    const shown = isPost ? form.get("refresh_token") : passwordOf(request);
    const isRobot =
      shown === tokenUser.refreshToken ||
      (!isPost && shown === `${tokenUser.username}:${tokenUser.password}`);
    if (shown !== undefined && !isRobot) return answer(401, { details: "incorrect username or password" });
    const user = isRobot ? tokenUser.username : undefined;
    const granted = scopes.map((scope) => {
      const [type = "", name = "", actions = ""] = scope.split(":");
      const allowed = actions.split(",").filter((action) => manners.allows(user, name, action));
      return `${type}:${name}:${allowed.join(",")}`;
    });
    const reply = { [manners.field]: token(granted, user) };
    return answer(
      200,
      manners.expiresIn === undefined ? reply : { ...reply, expires_in: manners.expiresIn },
      user,
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const realm = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  return {
    settings: { realm, service, issuer, rootcertbundle: certificateFile },
    asked,
    manners,
    token,
    accepts(text, scopes) {
      const [head = "", claims = "", signature = ""] = text.split(".");
      const isOurs = verify(
        "sha256",
        Buffer.from(`${head}.${claims}`),
        certificate.publicKey,
        Buffer.from(signature, "base64url"),
      );
      if (!isOurs) return false;
      const access: { name: string; actions: string[] }[] = JSON.parse(
        Buffer.from(claims, "base64url").toString("utf8"),
      ).access;
      return scopes.every((scope) => {
        const [, name, actions = ""] = scope.split(":");
        const held = access.filter((one) => one.name === name).flatMap((one) => one.actions);
        return actions.split(",").every((action) => held.includes(action));
      });
    },
    reset() {
      asked.length = 0;
      Object.assign(manners, usualManners());
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** What Basic authentication shows: `user:password`, or the password alone where it is the refresh token. */
function passwordOf({ headers }: IncomingMessage): string | undefined {
  const encoded = /^Basic (.*)$/.exec(headers.authorization ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const pair = Buffer.from(encoded, "base64").toString("utf8");
  return pair.endsWith(`:${tokenUser.refreshToken}`) ? tokenUser.refreshToken : pair;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function respond(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function encode(claims: unknown): string {
  return Buffer.from(JSON.stringify(claims)).toString("base64url");
}
