import { decompress } from "../../codec/decompress.ts";
import type { Call } from "../../io/call.ts";
import type { Content } from "../../io/content.ts";
import { parseConfig } from "../../model/config.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import { type Digest, Digester, digestOf } from "../../model/digest.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { encodeManifest } from "../../model/manifest.ts";
import { mediaTypes } from "../../model/media-types.ts";
import type { NamedBlobs } from "./archive-content.ts";
import { invalidArchive, missingMember } from "./archive-fault.ts";
import type { ArchiveFile, MemberExtent } from "./archive-file.ts";
import type { DockerImage } from "./docker-manifest.ts";

/** A manifest that the archive itself has not, and where it and what it refers to are. */
export interface MadeManifest {
  readonly descriptor: Descriptor;
  readonly named: NamedBlobs;
}

/**
 * Makes the manifest that `docker save` left out: Docker's schema 2, as for all images of archives without an OCI layout.
 * The same archive gives the same manifest.
 *
 * @throws ComposeImageError `ARCHIVE_INVALID`, `CONFIG_INVALID`; `DIGEST_MISMATCH` for a packed layer that is not what the
 *   configuration says; `LAYER_INVALID`, `LAYER_TRUNCATED`
 */
export async function makeDockerManifest(
  file: ArchiveFile,
  image: DockerImage,
  config: Descriptor,
  configBytes: Uint8Array,
  call: Call,
): Promise<MadeManifest> {
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
    const layer = await describeLayer(file, name, extent, diffId, call);
    named.set(layer.digest, extent);
    layers.push(layer);
  }
  const mediaType = mediaTypes.docker.manifest;
  const bytes = encodeManifest({ kind: "manifest", mediaType, config, layers, annotations: {} });
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
  named.set(descriptor.digest, bytes);
  return { descriptor, named };
}

/**
 * Of a layer that is not packed the digest is known; it is checked whenever the layer is read. One that is packed is read
 * once, and has to be what the configuration says.
 */
async function describeLayer(
  file: ArchiveFile,
  name: string,
  extent: MemberExtent,
  diffId: Digest,
  call: Call,
): Promise<Descriptor> {
  const { size } = extent;
  if (!(await isGzip(file, extent, call)))
    return { mediaType: mediaTypes.docker.layer, digest: diffId, size };
  const packed = new Digester();
  const unpacked = new Digester();
  const content = digested(file.read(extent, call), packed);
  for await (const chunk of decompress(content, `${name} of ${file.subject}`)) unpacked.update(chunk);
  const actual = unpacked.digest();
  if (actual !== diffId) {
    throw new ComposeImageError(
      "DIGEST_MISMATCH",
      `${file.subject}: ${name} unpacks to ${actual}, the configuration says ${diffId}`,
      {
        hint: "The archive is damaged, or its manifest.json names layers in the wrong order; write it again.",
      },
    );
  }
  return { mediaType: mediaTypes.docker.layerGzip, digest: packed.digest(), size };
}

async function isGzip(file: ArchiveFile, { start, size }: MemberExtent, call: Call): Promise<boolean> {
  for await (const [first, second] of file.read({ start, size: Math.min(size, 2) }, call)) {
    return first === 0x1f && second === 0x8b;
  }
  return false;
}

async function* digested(content: Content, digester: Digester): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) {
    digester.update(chunk);
    yield chunk;
  }
}
