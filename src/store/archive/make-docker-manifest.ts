import type { Call } from "../../io/call.ts";
import { parseConfig } from "../../model/config.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import { type Digest, Digester, digestOf } from "../../model/digest.ts";
import { encodeManifest } from "../../model/manifest.ts";
import { mediaTypes } from "../../model/media-types.ts";
import { ArchiveContent, type ArchivedImage } from "./archive-content.ts";
import { invalidArchive, missingMember } from "./archive-fault.ts";
import type { ArchiveFile, MemberExtent } from "./archive-file.ts";
import type { DockerImage } from "./docker-manifest.ts";

/**
 * Makes the manifest that `docker save` left out: Docker's schema 2, as for all images of archives without an OCI layout.
 * The same archive gives the same manifest.
 *
 * @throws ComposeImageError `ARCHIVE_INVALID`, `CONFIG_INVALID`
 */
export async function makeDockerManifest(
  file: ArchiveFile,
  image: DockerImage,
  config: Descriptor,
  configBytes: Uint8Array,
  call: Call,
): Promise<ArchivedImage> {
  const { diffIds } = parseConfig(configBytes, file.subject);
  if (diffIds.length !== image.layers.length) {
    throw invalidArchive(
      file.subject,
      `manifest.json has ${image.layers.length} layers, the configuration ${diffIds.length} diff_ids`,
    );
  }
  const named = new Map<Digest, MemberExtent | Uint8Array>([[config.digest, configBytes]]);
  const layers: Descriptor[] = [];
  for (const [i, diffId] of diffIds.entries()) {
    const name = image.layers[i] ?? "";
    const extent = file.find(name);
    if (extent === undefined) throw missingMember(file.subject, name);
    const layer = await describeLayer(file, extent, diffId, call);
    named.set(layer.digest, extent);
    layers.push(layer);
  }
  const mediaType = mediaTypes.docker.manifest;
  const bytes = encodeManifest({ kind: "manifest", mediaType, config, layers, annotations: {} });
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
  named.set(descriptor.digest, bytes);
  return { content: new ArchiveContent(file, [], named), descriptor };
}

/** Of a layer that is not packed the digest is known; it is checked whenever the layer is read. */
async function describeLayer(
  file: ArchiveFile,
  extent: MemberExtent,
  diffId: Digest,
  call: Call,
): Promise<Descriptor> {
  const { size } = extent;
  if (!(await isGzip(file, extent, call)))
    return { mediaType: mediaTypes.docker.layer, digest: diffId, size };
  const digester = new Digester();
  for await (const chunk of file.read(extent, call)) digester.update(chunk);
  return { mediaType: mediaTypes.docker.layerGzip, digest: digester.digest(), size };
}

async function isGzip(file: ArchiveFile, { start, size }: MemberExtent, call: Call): Promise<boolean> {
  for await (const [first, second] of file.read({ start, size: Math.min(size, 2) }, call)) {
    return first === 0x1f && second === 0x8b;
  }
  return false;
}
