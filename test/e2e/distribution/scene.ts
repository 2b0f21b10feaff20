import { expect } from "vitest";
import { type Digest, digestOf } from "../../../src/model/digest.ts";
import { encodeJson } from "../../../src/model/manifest.ts";
import { mediaTypes } from "../../../src/model/media-types.ts";
import type { StoredManifest } from "../../../src/store/source.ts";
import { blob, indexOf, type TinyImage, tinyImage } from "../../store/layout/tiny-image.ts";
import type { Ask } from "./ask.ts";

/** What is in the registry before the cases run. */
export interface Content {
  /** In `team/app`, with the tags of {@link tags}. */
  readonly image: TinyImage;
  /** In `team/app`, a child of {@link index}. */
  readonly child: TinyImage;
  /** In `team/app` as `multi`. */
  readonly index: StoredManifest;
  /** In `other` only, as `1`. */
  readonly other: TinyImage;
  /** Their subject is {@link image}. */
  readonly referrers: Readonly<Record<"bill" | "signature" | "plain" | "list", StoredManifest>>;
  /** Its subject, {@link absent}, is nowhere. */
  readonly early: StoredManifest;
  readonly absent: Digest;
}

/** A registry under test. */
export interface Scene {
  readonly ask: Ask;
  readonly content: Content;
}

/** Cases by the ids of their rows. */
export type Cases = Readonly<Record<string, (scene: Scene) => Promise<void>>>;

/** All tags of `team/app`, in order. */
export const tags = ["1", "Alpha", "beta", "Gamma", "multi"];

export const billType = "application/vnd.example.sbom";

export async function makeContent(): Promise<Content> {
  const [image, child, other] = await Promise.all(["one", "two", "three"].map(tinyImage));
  if (image === undefined || child === undefined || other === undefined) throw new Error("no images");
  const absent = digestOf(Buffer.from("absent"));
  return {
    image,
    child,
    other,
    index: indexOf(child.manifest),
    referrers: {
      bill: artifact(image, image.manifest.descriptor, {
        artifactType: billType,
        annotations: { of: "bill" },
      }),
      signature: artifact(image, image.manifest.descriptor, { artifactType: "a/signature" }),
      plain: artifact(image, image.manifest.descriptor, { annotations: { of: "plain" } }),
      list: blob(
        mediaTypes.oci.index,
        encodeJson({
          schemaVersion: 2,
          mediaType: mediaTypes.oci.index,
          manifests: [],
          subject: { ...image.manifest.descriptor } as never,
        }),
      ),
    },
    early: artifact(image, { mediaType: mediaTypes.oci.manifest, digest: absent, size: 6 }, {}),
    absent,
  };
}

/** A manifest about a subject. */
export function artifact(image: TinyImage, subject: object, fields: object): StoredManifest {
  return blob(
    mediaTypes.oci.manifest,
    encodeJson({
      schemaVersion: 2,
      mediaType: mediaTypes.oci.manifest,
      config: { ...image.config.descriptor } as never,
      layers: [],
      subject: { ...subject },
      ...fields,
    }),
  );
}

export async function pushContent(ask: Ask, content: Content): Promise<void> {
  const { image, child, index, other, referrers, early } = content;
  for (const tag of tags.filter((tag) => tag !== "multi")) await pushImage(ask, "team/app", image, tag);
  await pushImage(ask, "team/app", child);
  await pushManifest(ask, "team/app", index, "multi");
  await pushImage(ask, "other", other, "1");
  for (const manifest of [...Object.values(referrers), early]) await pushManifest(ask, "team/app", manifest);
}

export async function pushBlob(ask: Ask, repository: string, body: Uint8Array): Promise<Digest> {
  const digest = digestOf(body);
  expect((await ask("POST", `${repository}/blobs/uploads/?digest=${digest}`, { body })).status).toBe(201);
  return digest;
}

export async function pushManifest(
  ask: Ask,
  repository: string,
  manifest: StoredManifest,
  reference: string = manifest.descriptor.digest,
): Promise<void> {
  const headers = { "Content-Type": manifest.descriptor.mediaType };
  const { status, body } = await ask("PUT", `${repository}/manifests/${reference}`, {
    headers,
    body: manifest.bytes,
  });
  expect(status, body.toString()).toBe(201);
}

export async function pushImage(ask: Ask, repository: string, image: TinyImage, tag?: string): Promise<void> {
  for (const { bytes } of [image.config, image.layer]) await pushBlob(ask, repository, bytes);
  await pushManifest(ask, repository, image.manifest, tag);
}
