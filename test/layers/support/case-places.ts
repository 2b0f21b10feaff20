import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { unstoppable } from "../../../src/io/call.ts";
import {
  type RequestEvent,
  type RunningRegistry,
  startRegistry,
} from "../../../src/server/start-registry.ts";
import { openLayout } from "../../../src/store/layout/open-layout.ts";
import { temporaryDirectory } from "../../support/temp.ts";

interface CaseRegistry {
  readonly running: RunningRegistry;
  readonly requests: RequestEvent[];
}

/** Where the images of a case are: an OCI layout, and registries on loopback with the names the case gives them. */
export class CasePlaces {
  readonly #directory: string;
  readonly #registries = new Map<string, CaseRegistry>();
  #elsewhere: { readonly server: Server; readonly host: string } | undefined;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async make(): Promise<CasePlaces> {
    return new CasePlaces(await temporaryDirectory("case"));
  }

  /** The layout that an image is in, and its tag there. */
  stored(place: string): { readonly directory: string; readonly tag: string } {
    const [, registry, rest] = /^([a-z]+)\/(.+)$/.exec(place) ?? [];
    if (registry === undefined || rest === undefined)
      return { directory: join(this.#directory, "layout"), tag: place };
    return { directory: join(this.#directory, registry), tag: rest };
  }

  /** The reference that names a place on the command line; registries are started when they are first named. */
  async reference(place: string, readOnly: readonly string[]): Promise<string> {
    const { directory, tag } = this.stored(place);
    const name = place.includes("/") ? place.slice(0, place.indexOf("/")) : undefined;
    if (name === undefined) return `oci:${directory}:${tag}`;
    const known = this.#registries.get(name);
    if (known !== undefined) return `${known.running.host}:${known.running.port}/${tag}`;
    const requests: RequestEvent[] = [];
    await openLayout(directory, { create: true }, unstoppable);
    const running = await startRegistry(
      {
        directory,
        writable: !readOnly.includes(name),
        host: "127.0.0.1",
        port: 0,
        onRequest: (event) => void requests.push(event),
      },
      unstoppable,
    );
    this.#registries.set(name, { running, requests });
    return `${running.host}:${running.port}/${tag}`;
  }

  /** Serves bytes by their place in the list to whoever asks without credentials; gives the host. */
  async serveElsewhere(blobs: readonly Buffer[]): Promise<string> {
    if (this.#elsewhere !== undefined) return this.#elsewhere.host;
    const server = createServer((request, response) => {
      const blob = blobs[Number(request.url?.slice(1)) - 1];
      const status = request.headers.authorization !== undefined ? 403 : blob === undefined ? 404 : 200;
      response.writeHead(status).end(status === 200 ? blob : undefined);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#elsewhere = { server, host };
    return host;
  }

  /** A file with credentials for all of these hosts. */
  async authfile(): Promise<string> {
    const hosts = [...this.#names().keys()];
    const auth = Buffer.from("user:password").toString("base64");
    const path = join(this.#directory, "auth.json");
    await writeFile(
      path,
      JSON.stringify({ auths: Object.fromEntries(hosts.map((host) => [host, { auth }])) }),
    );
    return path;
  }

  /** What each registry was told to store, in order. */
  writes(configDigest: string | undefined): Record<string, readonly string[]> {
    return Object.fromEntries(
      [...this.#registries].map(([name, { requests }]) => [
        name,
        requests.flatMap((request) => writeOf(request, configDigest)),
      ]),
    );
  }

  /** Text with names in place of what differs from run to run. */
  named(text: string): string {
    let named = text.replaceAll(`oci:${join(this.#directory, "layout")}`, "oci:layout");
    for (const [host, name] of this.#names()) named = named.replaceAll(host, name);
    return named;
  }

  async close(): Promise<void> {
    for (const { running } of this.#registries.values()) await running.close();
    this.#elsewhere?.server.closeAllConnections();
    this.#elsewhere?.server.close();
  }

  #names(): Map<string, string> {
    const names = [...this.#registries].map(
      ([name, { running }]) => [`${running.host}:${running.port}`, name] as const,
    );
    return new Map(
      this.#elsewhere === undefined ? names : [...names, [this.#elsewhere.host, "elsewhere"] as const],
    );
  }
}

function writeOf({ method, url, status }: RequestEvent, configDigest: string | undefined): string[] {
  if (status !== 201) return [];
  const { pathname, searchParams } = new URL(url, "http://registry");
  const reference = /\/manifests\/(.+)$/.exec(pathname)?.[1];
  if (method === "PUT" && reference !== undefined)
    return [reference.startsWith("sha256:") ? "manifest" : `tag ${reference}`];
  const digest = searchParams.get("digest");
  if (digest !== null) return [digest === configDigest ? "config" : "layer"];
  return searchParams.has("mount") ? ["mount"] : [];
}
