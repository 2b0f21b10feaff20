import type { Call } from "../../io/call.ts";
import { maxConfigSize } from "../../model/config.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import { type Digest, digestOf } from "../../model/digest.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { type ImageIndex, type ImageManifest, parseManifest } from "../../model/manifest.ts";
import { isForeignLayerMediaType, mediaTypes } from "../../model/media-types.ts";
import type { Reference } from "../../model/reference.ts";
import { LayoutSource } from "../layout/layout-source.ts";
import { ArchiveContent, type ArchivedImage, readLayoutEntries } from "./archive-content.ts";
import { invalidArchive, missingMember } from "./archive-fault.ts";
import type { ArchiveFile } from "./archive-file.ts";
import {
  chooseDockerImage,
  type DockerImage,
  maxDockerManifestSize,
  parseDockerManifest,
} from "./docker-manifest.ts";
import { makeDockerManifest } from "./make-docker-manifest.ts";

/**
 * Finds an image in an archive of `docker save`. Where the archive holds an OCI layout as well, and that has the image
 * whole, it is the one of the layout, with its manifest. Else a manifest in Docker's format is made: of layers that are
 * packed the bytes are digested once, of others the digest is what the configuration has.
 *
 * @param name the archive as it is written on the command line.
 * @throws ComposeImageError `MANIFEST_NOT_FOUND`, `ARCHIVE_INVALID`, `CONFIG_INVALID`, `DIGEST_MISMATCH`, `LIMIT_EXCEEDED`
 */
export async function findDockerImage(
  file: ArchiveFile,
  reference: Reference | undefined,
  name: string,
  call: Call,
): Promise<ArchivedImage> {
  const { subject } = file;
  const bytes = await file.readSmall("manifest.json", maxDockerManifestSize, call);
  if (bytes === undefined) {
    throw invalidArchive(
      subject,
      "it has no manifest.json",
      "Archives of OCI layouts are written oci-archive:FILE; one of docker before 1.10, or one that was cut, cannot be read.",
    );
  }
  const images = parseDockerManifest(bytes, (what) => invalidArchive(`manifest.json of ${subject}`, what));
  const image = chooseDockerImage(images, reference, name, subject);
  const configBytes = await file.readSmall(image.config, maxConfigSize, call);
  if (configBytes === undefined) throw missingMember(subject, image.config);
  const config: Descriptor = {
    mediaType: mediaTypes.docker.config,
    digest: digestOf(configBytes),
    size: configBytes.byteLength,
  };
  expectNamedAfter(image.config, config.digest, subject);
  return (
    (await findInLayout(file, image, config.digest, call)) ??
    (await makeDockerManifest(file, image, config, configBytes, call))
  );
}

/** Tools name configurations after their digest: where one does, it has to be right. */
function expectNamedAfter(name: string, digest: Digest, subject: string): void {
  const expected = /(?:^|[/:])([0-9a-f]{64})(?:\.json)?$/.exec(name)?.[1];
  if (expected === undefined || digest === `sha256:${expected}`) return;
  throw new ComposeImageError("DIGEST_MISMATCH", `${subject}: ${name} has the digest ${digest}`, {
    hint: "The archive is damaged; write it again.",
  });
}

/** The image in the layout that the archive holds besides, where it is whole there; an index that has it counts. */
async function findInLayout(
  file: ArchiveFile,
  image: DockerImage,
  config: Digest,
  call: Call,
): Promise<ArchivedImage | undefined> {
  const entries = await readLayoutEntries(file, call);
  if (entries === undefined) return undefined;
  const content = new ArchiveContent(file, entries);
  const source = new LayoutSource(file.subject, content);
  const read = async ({ digest }: Descriptor): Promise<ImageManifest | ImageIndex | undefined> => {
    if ((await content.size(digest)) === undefined) return undefined;
    const { bytes, descriptor } = await source.manifest({ digest }, call);
    return parseManifest(bytes, descriptor.mediaType, file.subject);
  };
  const isWhole = async (manifest: ImageManifest): Promise<boolean> => {
    if (manifest.config.digest !== config || manifest.layers.length !== image.layers.length) return false;
    for (const { digest, mediaType } of manifest.layers) {
      if ((await content.size(digest)) === undefined && !isForeignLayerMediaType(mediaType)) return false;
    }
    return true;
  };
  for (const { descriptor } of entries) {
    const top = await read(descriptor);
    for (const each of top?.kind === "index" ? top.manifests : [descriptor]) {
      const manifest = each === descriptor ? top : await read(each);
      if (manifest?.kind === "manifest" && (await isWhole(manifest))) return { content, descriptor };
    }
  }
  return undefined;
}
