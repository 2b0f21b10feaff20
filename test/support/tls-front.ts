import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { run } from "./command.ts";
import { temporaryDirectory } from "./temp.ts";

/** PEM files that a private authority has made. */
export interface Certificates {
  /** The authority's own certificate. */
  readonly ca: string;
  /** For the server: `127.0.0.1`, `0.0.0.0` and Docker Hub, unless others were asked for. */
  readonly serverCert: string;
  readonly serverKey: string;
  /** For a client. */
  readonly clientCert: string;
  readonly clientKey: string;
}

/** A TLS server in front of a registry. */
export interface TlsFront {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** The names of the clients that certificates were taken from, one for each request. */
  readonly clients: readonly (string | undefined)[];
  stop(): Promise<void>;
}

/**
 * Makes an authority, a server's certificate and a client's, with openssl(1).
 *
 * @param serverNames whom the server's certificate is for.
 */
export async function makeCertificates(
  serverNames = "IP:127.0.0.1,IP:0.0.0.0,DNS:registry-1.docker.io",
): Promise<Certificates> {
  const home = await temporaryDirectory("certificates");
  const file = (name: string): string => join(home, name);
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await run("openssl", [
    ...["req", "-x509", ...newKey, "-keyout", file("ca.key"), "-out", file("ca.pem")],
    ...["-subj", "/CN=Test authority", "-days", "2"],
  ]);
  await writeFile(file("server.ext"), `subjectAltName=${serverNames}\n`);
  await writeFile(file("client.ext"), "extendedKeyUsage=clientAuth\n");
  for (const name of ["server", "client"]) {
    await run("openssl", [
      ...["req", ...newKey, "-keyout", file(`${name}.key`), "-out", file(`${name}.csr`)],
      ...["-subj", `/CN=test ${name}`],
    ]);
    await run("openssl", [
      ...["x509", "-req", "-in", file(`${name}.csr`), "-out", file(`${name}.pem`), "-days", "2"],
      ...[
        "-CA",
        file("ca.pem"),
        "-CAkey",
        file("ca.key"),
        "-CAcreateserial",
        "-extfile",
        file(`${name}.ext`),
      ],
    ]);
  }
  return {
    ca: file("ca.pem"),
    serverCert: file("server.pem"),
    serverKey: file("server.key"),
    clientCert: file("client.pem"),
    clientKey: file("client.key"),
  };
}

/**
 * Starts it on a free loopback port. The registry learns by headers how it was reached, so that its links lead back.
 *
 * @param upstream `http://127.0.0.1:PORT`
 * @param demandsClient whether clients without a certificate of the authority are turned away.
 */
export async function startTlsFront(
  upstream: string,
  certificates: Certificates,
  demandsClient: boolean,
): Promise<TlsFront> {
  const clients: (string | undefined)[] = [];
  const server = createServer(
    {
      key: await readFile(certificates.serverKey),
      cert: await readFile(certificates.serverCert),
      ca: await readFile(certificates.ca),
      requestCert: demandsClient,
      rejectUnauthorized: demandsClient,
      // Later versions ask for the client's certificate after the handshake, and then Node hangs up without a word.
      ...(demandsClient && { maxVersion: "TLSv1.2" }),
    },
    (incoming, outgoing) => {
      const { socket } = incoming;
      const subject =
        "getPeerCertificate" in socket ? Object(socket).getPeerCertificate().subject : undefined;
      clients.push(subject?.CN);
      const onward = request(new URL(incoming.url ?? "/", upstream), {
        method: incoming.method ?? "GET",
        headers: { ...incoming.headers, "x-forwarded-proto": "https" },
      });
      onward.once("error", () => outgoing.destroy());
      onward.once("response", (response) => {
        outgoing.writeHead(response.statusCode ?? 502, response.headers);
        response.on("data", (chunk) => outgoing.write(chunk));
        response.once("end", () => outgoing.end());
      });
      incoming.on("data", (chunk) => onward.write(chunk));
      incoming.once("end", () => onward.end());
    },
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    clients,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
