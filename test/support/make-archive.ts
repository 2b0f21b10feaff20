import { gunzipSync } from "node:zlib";
import { type MadeBlob, type MadeFile, type MadeImage, sha256 } from "./make-image.ts";

/** The members of an archive of an OCI layout, as skopeo writes it. */
export function layoutMembers(images: readonly { image: MadeImage; tag?: string }[]): MadeFile[] {
  const blobs = images.flatMap(({ image }) => [
    ...image.layers,
    ...image.configs,
    ...image.children,
    image.top,
  ]);
  const manifests = images.map(({ image, tag }) => ({
    ...image.top.descriptor,
    ...(tag !== undefined && { annotations: { "org.opencontainers.image.ref.name": tag } }),
  }));
  return [
    { path: "blobs/" },
    { path: "blobs/sha256/" },
    ...[...new Map(blobs.map((blob) => [blob.descriptor.digest, blob])).values()].map(blobMember),
    { path: "index.json", content: JSON.stringify({ schemaVersion: 2, manifests }) },
    { path: "oci-layout", content: '{"imageLayoutVersion":"1.0.0"}' },
  ];
}

/** The members of an archive as docker before 25 saved it: layers unpacked, in a directory each, no OCI layout. */
export function oldDockerMembers(image: MadeImage, names: readonly string[] | null): MadeFile[] {
  const [config] = image.configs;
  if (config === undefined) throw new Error("an image without a configuration");
  const directories = image.layers.map((_, i) => sha256(Buffer.of(i)).slice(7));
  const firstWith = new Map<string, string>();
  const layers = image.layers.flatMap(({ bytes }, i): MadeFile[] => {
    const tar = gunzipSync(bytes);
    const directory = directories[i] ?? "";
    const known = firstWith.get(sha256(tar));
    firstWith.set(sha256(tar), known ?? directory);
    return [
      { path: `${directory}/` },
      { path: `${directory}/VERSION`, content: "1.0" },
      { path: `${directory}/json`, content: "{}" },
      known === undefined
        ? { path: `${directory}/layer.tar`, content: tar }
        : { path: `${directory}/layer.tar`, linkname: `../${known}/layer.tar` },
    ];
  });
  const name = `${config.descriptor.digest.slice(7)}.json`;
  return [
    ...layers,
    { path: name, content: config.bytes },
    {
      path: "manifest.json",
      content: JSON.stringify([
        { Config: name, RepoTags: names, Layers: directories.map((directory) => `${directory}/layer.tar`) },
      ]),
    },
    { path: "repositories", content: "{}" },
  ];
}

/** The members of an archive as other tools write it: layers packed, in files beside `manifest.json`. */
export function packedDockerMembers(image: MadeImage, names: readonly string[]): MadeFile[] {
  const [config] = image.configs;
  if (config === undefined) throw new Error("an image without a configuration");
  const layers = image.layers.map(({ descriptor }) => `${descriptor.digest.slice(7)}.tar.gz`);
  return [
    { path: config.descriptor.digest, content: config.bytes },
    ...image.layers.map(({ bytes }, i) => ({ path: layers[i] ?? "", content: bytes })),
    {
      path: "manifest.json",
      content: JSON.stringify([{ Config: config.descriptor.digest, RepoTags: names, Layers: layers }]),
    },
  ];
}

function blobMember({ descriptor, bytes }: MadeBlob): MadeFile {
  return { path: `blobs/sha256/${descriptor.digest.slice(7)}`, content: bytes };
}
