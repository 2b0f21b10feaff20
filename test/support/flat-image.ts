import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { extract } from "tar-stream";
import { diffConfigs, type ImageDifference } from "./image-diff.ts";

/** One file of {@link FlatImage}, but for its times. */
export interface FlatFile {
  readonly type: string;
  readonly mode: number;
  readonly owner: string;
  /** Of symlinks. */
  readonly target: string | undefined;
  /** Of regular files. */
  readonly content: string | undefined;
}

/** An image without whiteouts, its layers applied by tar-stream. */
export interface FlatImage {
  /** By their paths, without slashes at the ends. */
  readonly files: ReadonlyMap<string, FlatFile>;
  /** The configuration's `config`. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly author: unknown;
}

interface Manifest {
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string }[];
}

/**
 * Reads an image.
 *
 * @param manifest its JSON.
 * @param blobPath where a blob is, by its digest.
 */
export async function flatImage(
  manifest: Manifest,
  blobPath: (digest: string) => string,
): Promise<FlatImage> {
  const { config = {}, author } = JSON.parse(await readFile(blobPath(manifest.config.digest), "utf8"));
  const files = new Map<string, FlatFile>();
  for (const { digest } of manifest.layers) {
    const blob = await readFile(blobPath(digest));
    const tar = blob[0] === 0x1f ? gunzipSync(blob) : blob;
    await applyLayer(tar, files);
  }
  return { files, config, author };
}

async function applyLayer(tar: Buffer, files: Map<string, FlatFile>): Promise<void> {
  const archive = extract();
  archive.end(tar);
  for await (const entry of archive) {
    const { name, type, mode = 0, uid = 0, gid = 0, linkname } = entry.header;
    const path = name.replace(/^\.?\//, "").replace(/\/$/, "");
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(Buffer.from(chunk as Uint8Array));
    const linked = type === "link" ? files.get((linkname ?? "").replace(/^\.?\//, "")) : undefined;
    if (path === "" || path === ".") continue;
    if (type !== "directory") {
      for (const known of files.keys()) if (known.startsWith(`${path}/`)) files.delete(known);
    }
    files.set(
      path,
      linked ?? {
        type: type ?? "file",
        mode: mode & 0o7777,
        owner: `${uid}:${gid}`,
        target: type === "symlink" ? (linkname ?? "") : undefined,
        content: type === "file" ? contentOf(Buffer.concat(chunks)) : undefined,
      },
    );
  }
}

function contentOf(bytes: Buffer): string {
  return bytes.length <= 100 ? bytes.toString() : createHash("sha256").update(bytes).digest("hex");
}

/** What two images differ in, but for times: files, and what of the configuration is said by Dockerfiles. */
export function diffFlatImages(theirs: FlatImage, ours: FlatImage): ImageDifference[] {
  const paths = [...new Set([...theirs.files.keys(), ...ours.files.keys()])].sort();
  const inFiles = paths.flatMap((path): ImageDifference[] => {
    const [one, other] = [theirs.files.get(path), ours.files.get(path)];
    const type = (other ?? one)?.type;
    if (one === undefined || other === undefined) {
      const [inTheirs, inOurs] = [one, other].map((file) => (file === undefined ? "absent" : "present"));
      return [{ path, attribute: "presence", type, theirs: inTheirs ?? "", ours: inOurs ?? "" }];
    }
    return attributes.flatMap(([attribute, read]): ImageDifference[] => {
      const [inTheirs, inOurs] = [read(one), read(other)];
      return inTheirs === inOurs ? [] : [{ path, attribute, type, theirs: inTheirs, ours: inOurs }];
    });
  });
  return [...inFiles, ...diffConfigs(configOf(theirs), configOf(ours))];
}

const attributes: readonly (readonly [ImageDifference["attribute"], (file: FlatFile) => string])[] = [
  ["type", ({ type }) => type],
  ["mode", ({ type, mode }) => (type === "symlink" ? "" : `0${mode.toString(8)}`)],
  ["owner", ({ owner }) => owner],
  ["link target", ({ target }) => target ?? ""],
  ["content", ({ content }) => content ?? ""],
];

const configKeys =
  "Env Cmd Entrypoint WorkingDir User ExposedPorts Volumes Labels StopSignal Healthcheck Shell OnBuild".split(
    " ",
  );

/** The keys Dockerfiles are about; what is empty is as if it were not there. */
function configOf({ config, author }: FlatImage): Record<string, unknown> {
  const values = configKeys.map((key): [string, unknown] => [key, config[key]]);
  const { "io.buildah.version": _, ...labels } = Object(config.Labels);
  const all = Object.fromEntries([...values, ["Labels", labels], ["author", author]]);
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== "" && JSON.stringify(value ?? {}).length > 2),
  );
}

/** A file as a line: `path mode owner content`, a symlink with `-> target`, a directory with a slash. */
export function flatLine(path: string, file: FlatFile): string {
  if (file.type === "symlink") return `${path} -> ${file.target}`;
  const attributes = `${file.mode.toString(8)} ${file.owner}`;
  if (file.type === "directory") return `${path}/ ${attributes}`;
  return `${path} ${attributes} ${file.content?.trimEnd()}`;
}
