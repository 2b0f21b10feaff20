import { createHash } from "node:crypto";
import { type FileSource, readSource } from "../../bench/images/layer-contents.ts";
import type { Call } from "../../src/io/call.ts";
import type { DemoImages } from "./images.ts";
import { type PulledLayer, type PulledManifest, Repository } from "./read-back.ts";

/** What {@link checkComposed} found. */
export interface CheckedImage {
  /** A sentence for each thing that was as it had to be. */
  readonly findings: readonly string[];
  /** Compressed bytes of all layers. */
  readonly size: number;
  /** Compressed bytes of the new layer. */
  readonly layerSize: number;
  /** Bytes of the new layer's tar. */
  readonly layerTarSize: number;
  /** Bytes of the application's files. */
  readonly applicationSize: number;
}

/** What {@link checkComposed} takes. */
export interface Composed {
  /** `http://host:port/v2/repository` */
  readonly url: string;
  /** Of the manifest, as the command printed it. */
  readonly digest: string;
  readonly images: DemoImages;
  readonly call: Call;
}

/**
 * Pulls the composed image and compares it with the files it has to hold.
 *
 * @throws Error naming the first thing that is not as it has to be.
 */
export async function checkComposed({ url, digest, images, call }: Composed): Promise<CheckedImage> {
  const repository = new Repository(url, call);
  const findings: string[] = [];
  const found = (holds: boolean, finding: string): void => {
    if (!holds) throw new Error(`not so: ${finding}`);
    findings.push(finding);
  };

  const manifest = await repository.manifest(digest);
  found(
    (await repository.digestOf("1")) === digest,
    `the tag 1 names ${digest.slice(0, 19)}…, which the bytes have`,
  );
  const baseLayers = images.base.layers.map(({ descriptor }) => descriptor.digest);
  found(
    manifest.layers.length === baseLayers.length + 1 &&
      baseLayers.every((layer, i) => manifest.layers[i]?.digest === layer),
    `the base's ${baseLayers.length} layers are its lowest, unchanged, and there is one more`,
  );
  found(
    manifest.annotations?.["org.opencontainers.image.base.digest"] === images.base.descriptor.digest,
    "its annotations name the base by digest",
  );

  const descriptor = manifest.layers.at(-1);
  if (descriptor === undefined) throw new Error("the image has no layers");
  const layer = await repository.layer(descriptor);
  const { files, applicationSize } = await compareFiles(layer, images.application, call);
  found(
    files === images.application.size,
    `all ${files} files of the application are there, byte for byte what they were made of, and no others`,
  );
  found(
    [...layer.entries.keys()].every((path) => !path.includes(".wh.")),
    "no whiteout was carried over",
  );
  found(
    images.pruned.every((name) => !layer.entries.has(`run/app/node_modules/${name}/`)),
    `none of the ${images.pruned.length} packages and folders that npm prune hid came back`,
  );
  await checkConfig(repository, manifest, layer, found);
  return {
    findings,
    size: manifest.layers.reduce((sum, { size }) => sum + size, 0),
    layerSize: descriptor.size,
    layerTarSize: layer.tarSize,
    applicationSize,
  };
}

type Found = (holds: boolean, finding: string) => void;

async function compareFiles(
  layer: PulledLayer,
  application: ReadonlyMap<string, FileSource>,
  call: Call,
): Promise<{ files: number; applicationSize: number }> {
  const pulled = [...layer.entries].filter(([, { type }]) => type === "file");
  let applicationSize = 0;
  for (const [path, { sha256, size }] of pulled) {
    call.signal.throwIfAborted();
    const source = application.get(path.replace(/^run\/app\//, ""));
    if (source === undefined) throw new Error(`${path} has no business in the image`);
    if (sha256 !== (await sha256Of(source))) throw new Error(`${path} is not what it was made of`);
    applicationSize += size;
  }
  return { files: pulled.length, applicationSize };
}

async function checkConfig(
  repository: Repository,
  manifest: PulledManifest,
  layer: PulledLayer,
  found: Found,
): Promise<void> {
  const { config, rootfs, history } = await repository.config(manifest.config);
  found(
    rootfs.diff_ids.at(-1) === layer.diffId,
    "the config's last diffID is the digest of the unpacked layer",
  );
  found(
    rootfs.diff_ids.length === manifest.layers.length &&
      history.filter(({ empty_layer }) => empty_layer !== true).length === manifest.layers.length,
    "diffIDs and history have an entry for each layer",
  );
  const environment = config.Env as string[];
  found(
    JSON.stringify(config.Entrypoint) === '["node","/run/app/dist/cli/main.js"]' &&
      config.WorkingDir === "/run/app" &&
      config.User === "1001" &&
      config.Cmd === undefined &&
      environment.includes("NODE_ENV=production") &&
      environment.some((variable) => variable.startsWith("PATH=")),
    "entrypoint, working directory and user are as asked for; the environment is the base's and NODE_ENV",
  );
}

async function sha256Of(source: FileSource): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of readSource(source)) hash.update(chunk);
  return hash.digest("hex");
}
