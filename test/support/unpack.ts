import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { blobPath } from "./blob-path.ts";
import { run } from "./command.ts";
import { removeTree, temporaryDirectory } from "./temp.ts";

/**
 * Copies an image with skopeo(1), registries over plain HTTP, digests preserved or failing.
 *
 * @param options further ones, such as `--all` for an index with all its images.
 */
export async function skopeoCopy(
  source: string,
  destination: string,
  options: readonly string[] = [],
): Promise<void> {
  await run("skopeo", [
    "copy",
    ...options,
    "--quiet",
    "--insecure-policy",
    "--preserve-digests",
    "--src-tls-verify=false",
    "--dest-tls-verify=false",
    source,
    destination,
  ]);
}

/** What `skopeo inspect` says of an image. */
export interface Inspection {
  readonly Digest: string;
  readonly Layers: readonly string[];
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly Env: readonly string[] | null;
  readonly Created: string;
}

/** `skopeo inspect`, of `docker://…` or `oci:…`. */
export async function skopeoInspect(image: string): Promise<Inspection> {
  return JSON.parse((await run("skopeo", ["inspect", "--tls-verify=false", image])).toString());
}

/** The image's config as JSON, by `skopeo inspect --config`. */
export async function skopeoConfig(image: string): Promise<Record<string, unknown>> {
  return JSON.parse((await run("skopeo", ["inspect", "--tls-verify=false", "--config", image])).toString());
}

/**
 * Unpacks an image with umoci(1), as root: owners, devices and attributes as they are.
 *
 * @param image what skopeo copies from: `docker://HOST/NAME:TAG`, `oci:DIR:TAG`.
 * @returns the root file system's directory, temporary.
 */
export async function unpack(image: string): Promise<string> {
  const home = await temporaryDirectory("unpacked");
  const layout = join(home, "layout");
  await skopeoCopy(image, `oci:${layout}:image`);
  await run("umoci", ["unpack", "--image", `${layout}:image`, join(home, "bundle")]);
  await removeTree(layout);
  return join(home, "bundle", "rootfs");
}

/** The digests of a layout's image's layers, bottom first. */
export async function layoutLayers(directory: string, tag: string): Promise<string[]> {
  const index = JSON.parse(await readFile(join(directory, "index.json"), "utf8"));
  const manifests: { digest: string; annotations?: Record<string, string> }[] = index.manifests;
  const found = manifests.find(
    ({ annotations }) => annotations?.["org.opencontainers.image.ref.name"] === tag,
  );
  if (found === undefined) throw new Error(`${directory}: no image tagged ${tag}`);
  const manifest = JSON.parse(await readFile(blobPath(directory, found.digest), "utf8"));
  return manifest.layers.map((layer: { digest: string }) => layer.digest);
}
