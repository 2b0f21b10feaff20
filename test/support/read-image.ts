import { gunzipSync } from "node:zlib";
import type { Header } from "tar-stream";
import { sha256 } from "./make-image.ts";
import { readTarMembers } from "./read-tar.ts";

/** A tar entry as tar-stream reads it. */
export interface ReadEntry {
  readonly header: Header;
  readonly content: Buffer;
}

/** A layer of a {@link ReadImage}. */
export interface ReadLayer {
  readonly mediaType: string;
  readonly digest: string;
  /** The blob as it is stored. */
  readonly bytes: Buffer;
  /** By path, in the archive's order. */
  readonly entries: ReadonlyMap<string, ReadEntry>;
}

/** A manifest's JSON, as far as tests look at it. */
export interface ReadManifest {
  readonly mediaType: string;
  readonly config: { readonly mediaType: string; readonly digest: string; readonly size: number };
  readonly layers: readonly { readonly mediaType: string; readonly digest: string; readonly size: number }[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A configuration's JSON, as far as tests look at it. */
export interface ReadConfig {
  readonly created?: string;
  readonly architecture: string;
  readonly config: {
    readonly Env?: readonly string[];
    readonly Labels?: Readonly<Record<string, string>>;
    readonly Entrypoint?: readonly string[];
    readonly Cmd?: readonly string[];
    readonly User?: string;
    readonly WorkingDir?: string;
    readonly ExposedPorts?: Readonly<Record<string, object>>;
  };
  readonly rootfs: { readonly diff_ids: readonly string[] };
  readonly history: readonly {
    readonly created?: string;
    readonly created_by?: string;
    readonly comment?: string;
  }[];
}

/** An image as its registry gives it, read without any code of the project's. */
export interface ReadImage {
  readonly digest: string;
  readonly mediaType: string;
  readonly manifest: ReadManifest;
  readonly config: ReadConfig;
  /** The layer that composing added. */
  readonly top: ReadLayer;
}

/**
 * Reads an image and its topmost layer from a registry over plain HTTP.
 *
 * @param reference `127.0.0.1:PORT/repository:tag`, or `…@sha256:…`.
 */
export async function readImage(reference: string): Promise<ReadImage> {
  const [, host, repository, selector] = /^([^/]+)\/([^:@]+)[:@](.+)$/.exec(reference) ?? [];
  const get = async (path: string): Promise<Response> => {
    const accept =
      "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
    const answer = await fetch(`http://${host}/v2/${repository}/${path}`, { headers: { accept } });
    if (!answer.ok) throw new Error(`${reference}: ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  const blob = async (digest: string): Promise<Buffer> =>
    Buffer.from(await (await get(`blobs/${digest}`)).arrayBuffer());

  const answer = await get(`manifests/${selector}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  const manifest: ReadManifest = JSON.parse(bytes.toString());
  const config: ReadConfig = JSON.parse((await blob(manifest.config.digest)).toString());
  const last = manifest.layers.at(-1);
  if (last === undefined) throw new Error(`${reference} has no layers`);
  return {
    digest: sha256(bytes),
    mediaType: answer.headers.get("content-type") ?? "",
    manifest,
    config,
    top: await readLayer(last, await blob(last.digest)),
  };
}

/** The tags of a repository, sorted; none where there is no such repository. */
export async function tagsOf(registry: string, repository: string): Promise<string[]> {
  const answer = await fetch(`${registry}/v2/${repository}/tags/list`);
  if (answer.status === 404) return [];
  const { tags }: { tags: string[] | null } = JSON.parse(await answer.text());
  return [...(tags ?? [])].sort();
}

async function readLayer(
  { mediaType, digest }: { mediaType: string; digest: string },
  bytes: Buffer,
): Promise<ReadLayer> {
  const entries = await readTarMembers(bytes[0] === 0x1f ? gunzipSync(bytes) : bytes);
  return { mediaType, digest, bytes, entries };
}
