import {
  imageTypes,
  jsonBlob,
  type MadeBlob,
  type MadeDescriptor,
  type MadeImage,
  makeIndex,
  pushMade,
} from "./make-image.ts";
import { pushLayer, type RandomLayer, randomLayer } from "./random-layer.ts";
import type { Registry } from "./registry.ts";
import { makeArtifact } from "./signed-image.ts";

/** What the near side of a mirror is made of. */
export interface EstateOptions {
  /** Whether referrers are listed by fallback tags, for a registry without the referrers API. */
  readonly withFallback: boolean;
  /** Bytes of a layer's content; default 2048. */
  readonly layerSize?: number;
  /** Bytes of one further layer for each of so many images; default none. They are made as they are sent. */
  readonly bigLayers?: readonly number[];
}

/** An image of an estate, or one platform of an index. */
export interface EstateImage {
  readonly architecture: string;
  readonly layers: readonly RandomLayer[];
  readonly made: MadeImage;
}

/** Something that refers to a manifest. */
export interface EstateReferrer {
  readonly repository: string;
  readonly subject: string;
  readonly digest: string;
}

/** A registry's content that is worth mirroring: twenty images in six repositories, and what is said about them. */
export interface MirrorEstate {
  readonly registry: Pick<Registry, "host" | "url">;
  readonly repositories: readonly string[];
  /** Of each `repository:tag` the platforms: two for an index, else one. */
  readonly images: Map<string, readonly EstateImage[]>;
  /** The digest that each `repository:tag` names, cosign's tags included, fallback tags not. */
  readonly tags: Map<string, string>;
  readonly referrers: readonly EstateReferrer[];
}

/** What an image was changed by: all that a mirror from before has not. */
export interface ChangedImage {
  readonly layer: MadeDescriptor;
  readonly config: MadeDescriptor;
  readonly manifest: MadeDescriptor;
}

const tagsOfRepository = {
  "team/app": ["1.0", "1.1", "1.2", "2.0"],
  "team/api": ["1.0", "1.1", "2.0", "latest"],
  "team/worker": ["1.0", "1.1", "1.2", "1.3"],
  "base/os": ["12", "13"],
  "tools/build/node": ["20", "22", "24"],
  "data/db": ["15", "16", "17"],
} as const;

/** Indexes of two platforms; all else are images. */
const indexes: readonly string[] = ["team/app:1.0", "team/api:1.0"];

/** Pushes an estate with plain requests. Same options, same digests. */
export async function makeEstate(
  registry: Pick<Registry, "host" | "url">,
  options: EstateOptions,
): Promise<MirrorEstate> {
  const { layerSize = 2048, bigLayers = [] } = options;
  const images = new Map<string, readonly EstateImage[]>();
  const left = [...bigLayers];
  for (const [repository, tags] of Object.entries(tagsOfRepository)) {
    for (const name of tags.map((tag) => `${repository}:${tag}`)) {
      const layer = (what: string): RandomLayer => randomLayer(what, layerSize);
      const isIndex = indexes.includes(name);
      const big = isIndex ? undefined : left.shift();
      const platforms = (isIndex ? ["amd64", "arm64"] : ["amd64"]).map((architecture) =>
        estateImage(architecture, [
          layer(`os ${architecture}`),
          layer(`runtime of ${repository} ${architecture}`),
          layer(`${name} ${architecture}`),
          ...(big === undefined ? [] : [randomLayer(`big ${name}`, big)]),
        ]),
      );
      images.set(name, platforms);
    }
  }
  const tags = new Map<string, string>();
  const repositories = Object.keys(tagsOfRepository);
  const estate = { registry, repositories, images, tags, referrers: [] as EstateReferrer[] };
  await Promise.all(
    repositories.map(async (repository) => {
      const pushed = new Set<string>();
      for (const name of images.keys()) if (isIn(name, repository)) await pushImage(estate, name, pushed);
    }),
  );
  await pushSignatures(estate);
  await pushReferrers(estate, options.withFallback);
  return estate;
}

/**
 * Moves an image's tag to one with a further layer.
 *
 * @param name `repository:tag`, no index.
 * @param size bytes of the layer's content.
 */
export async function changeImage(estate: MirrorEstate, name: string, size: number): Promise<ChangedImage> {
  const [before, ...more] = estate.images.get(name) ?? [];
  if (before === undefined || more.length > 0) throw new Error(`${name} is no image of the estate`);
  const layer = randomLayer(`change ${before.layers.length} of ${name}`, size);
  const image = estateImage(before.architecture, [...before.layers, layer]);
  estate.images.set(name, [image]);
  await pushImage(estate, name, new Set(before.layers.map(({ descriptor }) => descriptor.digest)));
  const { configs, top } = image.made;
  return { layer: layer.descriptor, config: blobAt(configs, 0).descriptor, manifest: top.descriptor };
}

/** The `mirror.yaml` that names all of it. */
export function mirrorFile({ registry, repositories, images }: MirrorEstate): string {
  const entries = repositories.map((repository) => {
    const tags = [...images.keys()].filter((name) => isIn(name, repository)).map(tagOf);
    const names = tags.map((tag) => JSON.stringify(tag)).join(", ");
    return `  - name: ${registry.host}/${repository}\n    tags: [${names}]\n`;
  });
  return `repositories:\n${entries.join("")}`;
}

/** An image without its layers' bytes. */
function estateImage(architecture: string, layers: readonly RandomLayer[]): EstateImage {
  const descriptors = layers.map(({ descriptor }) => descriptor);
  const config = jsonBlob(imageTypes.oci.config, {
    architecture,
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: descriptors.map(({ digest }) => digest) },
  });
  const mediaType = imageTypes.oci.manifest;
  const top = jsonBlob(mediaType, {
    schemaVersion: 2,
    mediaType,
    config: config.descriptor,
    layers: descriptors,
  });
  return { architecture, layers, made: { top, children: [], configs: [config], layers: [], architecture } };
}

/** @param pushed digests of layers that the repository has; completed. */
async function pushImage(
  { registry, images, tags }: MirrorEstate,
  name: string,
  pushed: Set<string>,
): Promise<void> {
  const platforms = images.get(name) ?? [];
  for (const layer of platforms.flatMap(({ layers }) => layers)) {
    if (pushed.has(layer.descriptor.digest)) continue;
    await pushLayer(layer, registry.url, repositoryOf(name));
    pushed.add(layer.descriptor.digest);
  }
  const made = platforms.map((image) => image.made);
  const [only, ...more] = made;
  const top = only === undefined || more.length > 0 ? makeIndex(made) : only;
  await pushMade(top, registry.url, name);
  tags.set(name, top.top.descriptor.digest);
}

/** As cosign tags them: of an image, and of an index's child. */
async function pushSignatures({ registry, images, tags }: MirrorEstate): Promise<void> {
  for (const [name, platform, suffixes] of [
    ["team/worker:1.0", 0, ["sig", "att"]],
    ["team/app:1.0", 1, ["sig"]],
  ] as const) {
    const subject = childOf(images, name, platform).descriptor.digest;
    for (const suffix of suffixes) {
      const artifact = makeArtifact(`cosign.${suffix}`, `${suffix} of ${subject}`);
      const tag = `${repositoryOf(name)}:${subject.replace(":", "-")}.${suffix}`;
      await pushMade(artifact, registry.url, tag);
      tags.set(tag, artifact.top.descriptor.digest);
    }
  }
}

/** Of an index and of an index's child: a signature, a bill of materials and the signature of that. */
async function pushReferrers(
  estate: MirrorEstate & { readonly referrers: EstateReferrer[] },
  withFallback: boolean,
): Promise<void> {
  const { registry, images } = estate;
  const index = makeIndex((images.get("team/app:1.0") ?? []).map(({ made }) => made)).top;
  const child = childOf(images, "team/api:1.0", 0);
  for (const [repository, subject] of [
    ["team/app", index],
    ["team/api", child],
  ] as const) {
    const { digest } = subject.descriptor;
    const signature = makeArtifact("signature", `signature of ${digest}`, subject);
    const sbom = makeArtifact("sbom", `sbom of ${digest}`, subject);
    const seal = makeArtifact("signature", `signature of the sbom of ${digest}`, sbom.top);
    for (const [about, artifacts] of [
      [subject, [signature, sbom]],
      [sbom.top, [seal]],
    ] as const) {
      for (const { top, ...artifact } of artifacts) {
        const referrer = { repository, subject: about.descriptor.digest, digest: top.descriptor.digest };
        await pushMade({ ...artifact, top }, registry.url, `${repository}:none`, {}, referrer.digest);
        estate.referrers.push(referrer);
      }
      if (withFallback) await pushFallbackTag(registry.url, repository, about, artifacts);
    }
  }
}

/** What a client keeps where the registry has no referrers API; see the distribution spec's referrers tag schema. */
async function pushFallbackTag(
  registry: string,
  repository: string,
  { descriptor: { digest } }: MadeBlob,
  artifacts: readonly MadeImage[],
): Promise<void> {
  const mediaType = imageTypes.oci.index;
  const manifests = artifacts.map(({ top: { descriptor, bytes } }) => {
    const { config, annotations } = JSON.parse(Buffer.from(bytes).toString());
    return { ...descriptor, artifactType: config.mediaType, annotations };
  });
  const top = jsonBlob(mediaType, { schemaVersion: 2, mediaType, manifests });
  const listing = { top, children: [], configs: [], layers: [], architecture: "" };
  await pushMade(listing, registry, `${repository}:${digest.replace(":", "-")}`);
}

function childOf(images: MirrorEstate["images"], name: string, platform: number): MadeBlob {
  return blobAt(
    (images.get(name) ?? []).map(({ made }) => made.top),
    platform,
  );
}

function blobAt(blobs: readonly MadeBlob[], i: number): MadeBlob {
  const blob = blobs[i];
  if (blob === undefined) throw new Error("the estate has no such blob");
  return blob;
}

function isIn(name: string, repository: string): boolean {
  return repositoryOf(name) === repository;
}

function repositoryOf(name: string): string {
  return name.slice(0, name.lastIndexOf(":"));
}

function tagOf(name: string): string {
  return name.slice(name.lastIndexOf(":") + 1);
}
