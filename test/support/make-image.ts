import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { bytesOfText } from "../../src/tar/byte-string.ts";
import type { EntryType } from "../../src/tar/entry.ts";
import { bodyPadding, encodeHeader, endOfArchive } from "../../src/tar/writer.ts";
import { blobPath } from "./blob-path.ts";

/** One tar entry of a made layer. */
export interface MadeFile {
  /** As the archive shall have it, cleaned by nobody. */
  readonly path: string;
  /** Default: a directory where the path ends in a slash, a symlink where there is a `linkname`, else a file. */
  readonly type?: EntryType;
  readonly content?: string | Uint8Array;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: string;
  readonly linkname?: string;
}

/** A layer's blob with all that manifest and configuration say of it. */
export interface PackedLayer {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly diffId: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A layer: its entries, or its blob's very bytes. */
export type MadeLayer =
  | { readonly files: readonly MadeFile[] }
  | { readonly blob: Uint8Array }
  | { readonly packed: PackedLayer };

/** What {@link makeImage} makes. */
export interface ImageSpec {
  /** Bottom first. */
  readonly layers: readonly MadeLayer[];
  /** Default `oci`. */
  readonly family?: "oci" | "docker";
  /** Default `amd64`. */
  readonly architecture?: string;
  /** The configuration's `config`. */
  readonly execution?: object;
  /** RFC 3339. */
  readonly created?: string;
}

/** Where some bytes are, as manifests say it. */
export interface MadeDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface MadeBlob {
  readonly descriptor: MadeDescriptor;
  readonly bytes: Uint8Array;
}

/** An image, or an index of several, in memory. */
export interface MadeImage {
  /** The manifest or index that a tag names. */
  readonly top: MadeBlob;
  /** Manifests below an index. */
  readonly children: readonly MadeBlob[];
  readonly configs: readonly MadeBlob[];
  /** Bottom first. */
  readonly layers: readonly MadeBlob[];
  readonly architecture: string;
  /** What an index says of it besides its descriptor; default its platform. */
  readonly entry?: object;
}

/** Media types of both families. */
export const imageTypes = {
  oci: {
    manifest: "application/vnd.oci.image.manifest.v1+json",
    index: "application/vnd.oci.image.index.v1+json",
    config: "application/vnd.oci.image.config.v1+json",
    layer: "application/vnd.oci.image.layer.v1.tar+gzip",
  },
  docker: {
    manifest: "application/vnd.docker.distribution.manifest.v2+json",
    index: "application/vnd.docker.distribution.manifest.list.v2+json",
    config: "application/vnd.docker.container.image.v1+json",
    layer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  },
} as const;

/** Makes an image in memory, its layers compressed by zlib. */
export function makeImage(spec: ImageSpec): MadeImage {
  const { family = "oci", architecture = "amd64", execution = {}, created } = spec;
  const diffIds: string[] = [];
  const layers = spec.layers.map((layer) => {
    if ("packed" in layer) {
      const { bytes, mediaType, diffId, annotations } = layer.packed;
      diffIds.push(diffId);
      const { descriptor } = blobOf(mediaType, bytes);
      return { descriptor: { ...descriptor, ...(annotations !== undefined && { annotations }) }, bytes };
    }
    const tar = "blob" in layer ? layer.blob : tarOf(layer.files);
    diffIds.push(sha256(tar));
    return blobOf(imageTypes[family].layer, "blob" in layer ? tar : gzipSync(tar, { level: 1 }));
  });
  const config = jsonBlob(imageTypes[family].config, {
    ...(created !== undefined && { created }),
    architecture,
    os: "linux",
    config: execution,
    rootfs: { type: "layers", diff_ids: diffIds },
    history: diffIds.map((_, i) => ({ created_by: `made layer ${i + 1}` })),
  });
  const mediaType = imageTypes[family].manifest;
  const top = jsonBlob(mediaType, {
    schemaVersion: 2,
    mediaType,
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
  });
  return { top, children: [], configs: [config], layers, architecture };
}

/** Makes an index of images, one for each architecture. */
export function makeIndex(images: readonly MadeImage[], family: "oci" | "docker" = "oci"): MadeImage {
  const mediaType = imageTypes[family].index;
  const top = jsonBlob(mediaType, {
    schemaVersion: 2,
    mediaType,
    manifests: images.map(
      ({ top: { descriptor }, architecture, entry = { platform: { os: "linux", architecture } } }) => ({
        ...descriptor,
        ...entry,
      }),
    ),
  });
  return {
    top,
    children: images.map((image) => image.top),
    configs: images.flatMap(({ configs }) => configs),
    layers: images.flatMap(({ layers }) => layers),
    architecture: "",
  };
}

/** What BuildKit puts into an index beside an image: a manifest about it, with an in-toto statement. */
export function makeAttestation(of: MadeImage): MadeImage {
  const statement = {
    _type: "https://in-toto.io/Statement/v0.1",
    predicateType: "https://slsa.dev/provenance/v0.2",
  };
  const layer = jsonBlob("application/vnd.in-toto+json", statement);
  const config = jsonBlob(imageTypes.oci.config, {
    architecture: "unknown",
    os: "unknown",
    config: {},
    rootfs: { type: "layers", diff_ids: [layer.descriptor.digest] },
  });
  const mediaType = imageTypes.oci.manifest;
  const top = jsonBlob(mediaType, {
    schemaVersion: 2,
    mediaType,
    config: config.descriptor,
    layers: [
      {
        ...layer.descriptor,
        annotations: { "in-toto.io/predicate-type": statement.predicateType },
      },
    ],
  });
  const entry = {
    platform: { os: "unknown", architecture: "unknown" },
    annotations: {
      "vnd.docker.reference.digest": of.top.descriptor.digest,
      "vnd.docker.reference.type": "attestation-manifest",
    },
  };
  return { top, children: [], configs: [config], layers: [layer], architecture: "unknown", entry };
}

/** A tar archive of the entries. */
export function tarOf(files: readonly MadeFile[]): Buffer {
  return Buffer.concat([...files.flatMap(entryOf), endOfArchive]);
}

/**
 * Pushes an image with plain requests.
 *
 * @param registry `http://127.0.0.1:PORT`
 * @param name `repository:tag`
 * @param selector what the manifest is written under; by default the tag.
 * @returns the reference, `127.0.0.1:PORT/repository:tag`.
 */
export async function pushMade(
  image: MadeImage,
  registry: string,
  name: string,
  headers: Readonly<Record<string, string>> = {},
  selector = name.slice(name.lastIndexOf(":") + 1),
): Promise<string> {
  const colon = name.lastIndexOf(":");
  const repository = `${registry}/v2/${name.slice(0, colon)}`;
  const send = async (method: string, url: string, body?: Uint8Array, type?: string): Promise<Response> => {
    const answer = await fetch(url, {
      method,
      headers: { ...headers, ...(type !== undefined && { "content-type": type }) },
      ...(body !== undefined && { body: Buffer.from(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
    await answer.arrayBuffer();
    return answer;
  };
  for (const { descriptor, bytes } of [...image.layers, ...image.configs]) {
    const started = await send("POST", `${repository}/blobs/uploads/`);
    const location = new URL(started.headers.get("location") ?? "", registry);
    location.searchParams.set("digest", descriptor.digest);
    await send("PUT", location.href, bytes, "application/octet-stream");
  }
  for (const { descriptor, bytes } of image.children) {
    await send("PUT", `${repository}/manifests/${descriptor.digest}`, bytes, descriptor.mediaType);
  }
  const { descriptor, bytes } = image.top;
  await send("PUT", `${repository}/manifests/${selector}`, bytes, descriptor.mediaType);
  return `${new URL(registry).host}/${name}`;
}

/**
 * Adds an image to an OCI layout, which is made where there is none.
 *
 * @returns `oci:DIRECTORY:TAG`
 */
export async function saveMade(image: MadeImage, directory: string, tag: string): Promise<string> {
  await mkdir(join(directory, "blobs", "sha256"), { recursive: true });
  await writeFile(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  for (const { descriptor, bytes } of [...image.layers, ...image.configs, ...image.children, image.top]) {
    await writeFile(blobPath(directory, descriptor.digest), bytes);
  }
  const indexPath = join(directory, "index.json");
  const index = await readFile(indexPath, "utf8").then(
    (text): { manifests: object[] } => JSON.parse(text),
    () => ({ manifests: [] }),
  );
  const annotations = { "org.opencontainers.image.ref.name": tag };
  const manifests = [...index.manifests, { ...image.top.descriptor, annotations }];
  await writeFile(indexPath, JSON.stringify({ schemaVersion: 2, manifests }));
  return `oci:${directory}:${tag}`;
}

/** The `sha256:…` of some bytes. */
export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function entryOf(file: MadeFile): Buffer[] {
  const content = Buffer.from(file.content ?? "");
  return [tarHeader(file, content.byteLength), content, bodyPadding(content.byteLength)];
}

/** A tar entry's header; content of so many bytes and {@link bodyPadding} have to follow. */
export function tarHeader(file: MadeFile, size: number): Buffer {
  const type = file.type ?? defaultType(file);
  return encodeHeader({
    path: bytesOfText(file.path),
    type,
    mode: file.mode ?? (type === "directory" ? 0o755 : 0o644),
    uid: file.uid ?? 0,
    gid: file.gid ?? 0,
    size,
    mtime: file.mtime ?? "1000000000",
    linkname: bytesOfText(file.linkname ?? ""),
    devmajor: 0,
    devminor: 0,
    xattrs: new Map(),
  });
}

function defaultType({ path, linkname }: MadeFile): EntryType {
  if (path.endsWith("/")) return "directory";
  return linkname === undefined ? "file" : "symlink";
}

/** A document as a blob. */
export function jsonBlob(mediaType: string, value: object): MadeBlob {
  return blobOf(mediaType, Buffer.from(JSON.stringify(value)));
}

function blobOf(mediaType: string, bytes: Uint8Array): MadeBlob {
  return { descriptor: { mediaType, digest: sha256(bytes), size: bytes.byteLength }, bytes };
}
