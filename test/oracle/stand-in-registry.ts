import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { sha256 } from "../support/make-image.ts";

/** A manifest as the stand-in keeps it. */
interface KeptManifest {
  bytes: Buffer;
  mediaType: string;
}

/** What the stand-in holds of one repository; a test changes it to have something to find. */
export interface KeptRepository {
  readonly tags: Map<string, string>;
  readonly manifests: Map<string, KeptManifest>;
  readonly blobs: Map<string, Buffer>;
  /** Digests of manifests that the referrers API leaves out. */
  readonly unlisted: Set<string>;
}

/** How a {@link StandInRegistry} answers. */
export interface StandInOptions {
  /** Whether it has the referrers API. */
  readonly hasApi: boolean;
  /** Entries of a listing's page; default all. */
  readonly pageSize?: number;
  /** Whether a filter by type is announced as applied, and what it lets through. Default: as the spec has it. */
  readonly filter?: "wrong" | "ignored";
}

/**
 * A registry in memory, as much of one as the oracle asks and plain pushes need. It believes what it is told, so that wrong
 * things can be put into it.
 */
export class StandInRegistry {
  readonly repositories = new Map<string, KeptRepository>();
  readonly #options: StandInOptions;
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  constructor(options: StandInOptions) {
    this.#options = options;
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  repository(name: string): KeptRepository {
    const kept = this.repositories.get(name) ?? {
      tags: new Map(),
      manifests: new Map(),
      blobs: new Map(),
      unlisted: new Set(),
    };
    this.repositories.set(name, kept);
    return kept;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const url = new URL(request.url ?? "", "http://stand-in");
    const [, name = "", kind = "", rest = ""] =
      /^\/v2\/(.+)\/(manifests|blobs|referrers|tags)\/(.*)$/.exec(url.pathname) ?? [];
    const kept = name === "" ? undefined : this.repository(name);
    if (url.pathname === "/v2/_catalog")
      this.#page(url, "repositories", [...this.repositories.keys()], response);
    else if (kept === undefined) end(response, 404);
    else if (request.method === "POST") end(response, 202, { location: `/v2/${name}/blobs/uploads/1` });
    else if (request.method === "PUT" && kind === "blobs") {
      kept.blobs.set(url.searchParams.get("digest") ?? "", body);
      end(response, 201);
    } else if (request.method === "PUT") {
      const digest = sha256(body);
      kept.manifests.set(digest, { bytes: body, mediaType: request.headers["content-type"] ?? "" });
      if (!rest.startsWith("sha256:")) kept.tags.set(rest, digest);
      end(response, 201);
    } else if (kind === "tags") this.#page(url, "tags", [...kept.tags.keys()].sort(), response);
    else if (kind === "blobs") send(response, kept.blobs.get(rest));
    else if (kind === "manifests") {
      const found = kept.manifests.get(kept.tags.get(rest) ?? rest);
      send(response, found?.bytes, found && { "content-type": found.mediaType });
    } else this.#referrers(url, kept, rest, response);
  }

  #referrers(url: URL, kept: KeptRepository, subject: string, response: ServerResponse): void {
    if (!this.#options.hasApi) {
      end(response, 404);
      return;
    }
    const wanted = url.searchParams.get("artifactType");
    const listed = [...kept.manifests].flatMap(([digest, { bytes, mediaType }]) => {
      const {
        annotations,
        config,
        artifactType = config?.mediaType,
        ...document
      } = JSON.parse(bytes.toString());
      if (document.subject?.digest !== subject || kept.unlisted.has(digest)) return [];
      return [{ mediaType, digest, size: bytes.byteLength, artifactType, annotations }];
    });
    const { filter } = this.#options;
    const isFiltered = wanted !== null && filter !== "ignored";
    const shown = isFiltered
      ? listed.filter(({ artifactType }) => (filter === "wrong" ? false : artifactType === wanted))
      : listed;
    this.#page(
      url,
      "manifests",
      shown,
      response,
      isFiltered ? { "oci-filters-applied": "artifactType" } : {},
    );
  }

  /** One page, with a link to the next. */
  #page(
    url: URL,
    key: string,
    entries: readonly unknown[],
    response: ServerResponse,
    headers: Record<string, string> = {},
  ): void {
    const { pageSize = entries.length } = this.#options;
    const from = Number(url.searchParams.get("from") ?? 0);
    const next = new URL(url);
    next.searchParams.set("from", String(from + pageSize));
    const document = {
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.index.v1+json",
      [key]: entries.slice(from, from + pageSize),
    };
    const link = from + pageSize < entries.length && { link: `<${next.pathname}${next.search}>; rel="next"` };
    send(response, Buffer.from(JSON.stringify(document)), { ...headers, ...link });
  }
}

function send(
  response: ServerResponse,
  body: Buffer | undefined,
  headers: Record<string, string> = {},
): void {
  if (body === undefined) end(response, 404);
  else response.writeHead(200, headers).end(body);
}

function end(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  response.writeHead(status, headers).end();
}
