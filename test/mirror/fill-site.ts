import { unstoppable } from "../../src/io/call.ts";
import { describeBytes } from "../../src/model/descriptor.ts";
import { readReferrer } from "../../src/model/referrers.ts";
import type { StoredManifest } from "../../src/store/source.ts";
import type { Target } from "../../src/store/target.ts";
import type { MadeBlob, MadeImage } from "../support/make-image.ts";
import type { SignedImage } from "../support/signed-image.ts";

/** A manifest as stores take it. */
export function storedOf({ descriptor, bytes }: MadeBlob): StoredManifest {
  return { descriptor: describeBytes(descriptor.mediaType, bytes), bytes };
}

/** Writes all of an image, from the bottom up, and no tag. */
export async function pushImage(target: Target, made: MadeImage): Promise<void> {
  for (const { descriptor, bytes } of [...made.layers, ...made.configs]) {
    await target.push(describeBytes(descriptor.mediaType, bytes), async () => once(bytes), unstoppable);
  }
  for (const manifest of [...made.children, made.top])
    await target.pushManifest(storedOf(manifest), unstoppable);
}

/** Writes a signed image as a mirror does: what refers to it, cosign's tag, then its own. */
export async function pushSignedImage(target: Target, image: SignedImage, tag: string): Promise<void> {
  const { index, referrers, signature } = image;
  await pushImage(target, index);
  for (const { artifact, subject } of referrers) await attachTo(target, artifact, subject);
  await pushImage(target, signature.artifact);
  await target.tag(storedOf(signature.artifact.top), signature.tag, unstoppable);
  await target.tag(storedOf(index.top), tag, unstoppable);
}

/** Writes an artifact that refers to a manifest. */
export async function attachTo(target: Target, artifact: MadeImage, subject: MadeBlob): Promise<void> {
  await pushImage(target, artifact);
  const { bytes, descriptor } = storedOf(artifact.top);
  const referrer = readReferrer(bytes, descriptor, "artifact");
  if (referrer === undefined) throw new Error("no referrer");
  await target.attach(storedOf(subject).descriptor.digest, [referrer.descriptor], unstoppable);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
