import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { blobPath } from "./blob-path.ts";
import { run } from "./command.ts";
import { temporaryDirectory } from "./temp.ts";
import { unpack } from "./unpack.ts";

/** A tar file that becomes a layer. */
export interface LayerTar {
  /** Absolute; uncompressed. */
  readonly path: string;
  /** For the history. */
  readonly comment: string;
}

/**
 * A tar by GNU tar, with owners, attributes, and times to the nanosecond.
 *
 * @param root the directory names are relative to.
 * @param members paths below it; directories with all they hold.
 * @param excluded GNU tar patterns, anchored, as the members are written.
 */
export async function gnuTar(
  root: string,
  members: readonly string[],
  excluded: readonly string[] = [],
): Promise<LayerTar> {
  const path = join(await temporaryDirectory("gnu-tar"), "layer.tar");
  await run("tar", [
    "--create",
    "--file",
    path,
    "--format=posix",
    "--numeric-owner",
    "--xattrs",
    "--xattrs-include=*",
    "--sort=name",
    "--anchored",
    ...excluded.map((pattern) => `--exclude=${pattern}`),
    "--directory",
    root,
    "--",
    ...members,
  ]);
  return { path, comment: `tar of ${members.join(" ")}` };
}

/**
 * Writes an image of the given layers into a new OCI layout, compressed by zlib's gzip.
 *
 * @returns `oci:DIR:image`
 */
export async function imageOfTars(layers: readonly LayerTar[]): Promise<string> {
  const layout = join(await temporaryDirectory("image-of-tars"), "layout");
  await mkdir(join(layout, "blobs", "sha256"), { recursive: true });
  const descriptors: object[] = [];
  const diffIds: string[] = [];
  for (const { path } of layers) {
    const compressed = join(layout, "layer.partial");
    diffIds.push(await sha256Of(path));
    await pipeline(createReadStream(path), createGzip({ level: 1 }), createWriteStream(compressed));
    const digest = await sha256Of(compressed);
    const { size } = await stat(compressed);
    await rename(compressed, blobPath(layout, digest));
    descriptors.push({ mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest, size });
  }
  const config = await writeJson(layout, "application/vnd.oci.image.config.v1+json", {
    architecture: "amd64",
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: diffIds },
    history: layers.map(({ comment }) => ({ created_by: comment })),
  });
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = await writeJson(layout, mediaType, {
    schemaVersion: 2,
    mediaType,
    config,
    layers: descriptors,
  });
  const annotations = { "org.opencontainers.image.ref.name": "image" };
  await writeFile(
    join(layout, "index.json"),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  );
  await writeFile(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  return `oci:${layout}:image`;
}

/**
 * The image again with the same merged root file system, in other layers by other tools: files that a layer brings
 * early and another replaces, files that come and are deleted, the application in two layers.
 *
 * @param image what skopeo copies from.
 * @returns `oci:DIR:image`
 */
export async function relayered(image: string): Promise<string> {
  const root = await unpack(image);
  const application = "opt/app-root/src";
  const decoy = await temporaryDirectory("decoy");
  await mkdir(join(decoy, application, "surplus", "deep"), { recursive: true });
  await mkdir(join(decoy, application, "server.js"), { recursive: true });
  await writeFile(join(decoy, application, "server.js", "was-a-directory"), "");
  await writeFile(join(decoy, application, "package.json"), "replaced later\n");
  await writeFile(join(decoy, application, "surplus", "deep", "file"), "deleted later\n");
  const whiteouts = await temporaryDirectory("whiteouts");
  await mkdir(join(whiteouts, application), { recursive: true });
  await writeFile(join(whiteouts, application, ".wh.surplus"), "");
  return imageOfTars([
    await gnuTar(decoy, ["opt"]),
    await gnuTar(root, ["opt"], [`${application}/node_modules`]),
    await gnuTar(whiteouts, [`${application}/.wh.surplus`]),
    await gnuTar(root, ["."], ["./opt"]),
    await gnuTar(root, [`${application}/node_modules`]),
  ]);
}

async function writeJson(layout: string, mediaType: string, value: object): Promise<object> {
  const bytes = Buffer.from(JSON.stringify(value));
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  await writeFile(blobPath(layout, digest), bytes);
  return { mediaType, digest, size: bytes.byteLength };
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return `sha256:${hash.digest("hex")}`;
}
