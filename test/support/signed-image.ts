import {
  jsonBlob,
  type MadeBlob,
  type MadeImage,
  makeImage,
  makeIndex,
  pushMade,
  sha256,
} from "./make-image.ts";

const ociManifest = "application/vnd.oci.image.manifest.v1+json";
const ociIndex = "application/vnd.oci.image.index.v1+json";

/** An index of two platforms and an attestation, with what was signed of it and said about it. */
export interface SignedImage {
  readonly index: MadeImage;
  /** By digest: the manifest that each referrer is about. */
  readonly referrers: readonly { readonly artifact: MadeImage; readonly subject: MadeBlob }[];
  /** Tagged as cosign tags signatures; it has no subject. */
  readonly signature: { readonly tag: string; readonly artifact: MadeImage };
  /** Every manifest and index there is. */
  readonly digests: readonly string[];
}

/** Makes one; images of different names share all layers but one. */
export function makeSigned(name = "app"): SignedImage {
  const shared = { files: [{ path: "etc/" }, { path: "etc/os", content: "made\n" }] };
  const image = (architecture: string): MadeImage =>
    makeImage({ layers: [shared, { files: [{ path: name, content: architecture }] }], architecture });
  const images = [image("amd64"), image("arm64")];
  const attestation = { ...makeArtifact("in-toto", `attestation of ${name}`), architecture: "unknown" };
  const index = withUnknown(makeIndex(images), attestation);
  const [child] = images;
  if (child === undefined) throw new Error("no image");
  const sbom = makeArtifact("sbom", `sbom of ${name}`, index.top);
  const seal = makeArtifact("signature", `signature of the sbom of ${name}`, sbom.top);
  const scan = makeArtifact("scan", `scan of ${name}`, child.top);
  const cosign = makeArtifact("cosign", `cosign of ${name}`);
  const referrers = [
    { artifact: sbom, subject: index.top },
    { artifact: seal, subject: sbom.top },
    { artifact: scan, subject: child.top },
  ];
  return {
    index,
    referrers,
    signature: { tag: `${index.top.descriptor.digest.replace(":", "-")}.sig`, artifact: cosign },
    digests: [
      ...[index.top, ...index.children, cosign.top],
      ...referrers.map(({ artifact }) => artifact.top),
    ].map(({ descriptor }) => descriptor.digest),
  };
}

/** An artifact as oras makes it: a configuration of a type nobody knows, one layer. */
export function makeArtifact(type: string, content: string, subject?: MadeBlob): MadeImage {
  const layer = blobOf(`application/vnd.example.${type}`, Buffer.from(content));
  const config = blobOf(`application/vnd.example.${type}.config+json`, Buffer.from("{}"));
  const top = jsonBlob(ociManifest, {
    schemaVersion: 2,
    mediaType: ociManifest,
    config: config.descriptor,
    layers: [layer.descriptor],
    ...(subject !== undefined && { subject: subject.descriptor }),
    annotations: { "org.example.about": content },
  });
  return { top, children: [], configs: [config], layers: [layer], architecture: "" };
}

/**
 * Pushes a signed image and all about it with plain requests.
 *
 * @param withFallback writes the tags that stand in for the referrers API.
 * @returns the reference of the index.
 */
export async function pushSigned(
  { index, referrers, signature }: SignedImage,
  registry: string,
  repository: string,
  tag: string,
  withFallback: boolean,
): Promise<string> {
  const reference = await pushMade(index, registry, `${repository}:${tag}`);
  for (const { artifact, subject } of referrers) {
    await pushMade(artifact, registry, `${repository}:tmp`, {}, artifact.top.descriptor.digest);
    if (!withFallback) continue;
    const { descriptor } = subject;
    const listed = jsonBlob(ociIndex, {
      schemaVersion: 2,
      mediaType: ociIndex,
      manifests: [artifact.top.descriptor],
    });
    const fallback = { top: listed, children: [], configs: [], layers: [], architecture: "" };
    await pushMade(fallback, registry, `${repository}:${descriptor.digest.replace(":", "-")}`);
  }
  await pushMade(signature.artifact, registry, `${repository}:${signature.tag}`);
  return reference;
}

function withUnknown(index: MadeImage, attestation: MadeImage): MadeImage {
  const document: { manifests: object[] } = JSON.parse(Buffer.from(index.top.bytes).toString());
  document.manifests.push({
    ...attestation.top.descriptor,
    platform: { os: "unknown", architecture: "unknown" },
  });
  return {
    ...index,
    top: jsonBlob(index.top.descriptor.mediaType, document),
    children: [...index.children, attestation.top],
    configs: [...index.configs, ...attestation.configs],
    layers: [...index.layers, ...attestation.layers],
  };
}

function blobOf(mediaType: string, bytes: Uint8Array): MadeBlob {
  return { descriptor: { mediaType, digest: sha256(bytes), size: bytes.byteLength }, bytes };
}
