import { rm } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { parseMirrorFile } from "../../src/frontends/mirror-file/mirror-file.ts";
import { unstoppable } from "../../src/io/call.ts";
import { type LoadOptions, loadMirror } from "../../src/mirror/load-mirror.ts";
import { type MirrorOptions, type MirrorResult, runMirror } from "../../src/mirror/run-mirror.ts";
import { parseMirrorPlace } from "../../src/model/mirror-place.ts";
import type { MirrorPlan } from "../../src/plan/mirror-plan.ts";
import { startRegistry } from "../../src/server/start-registry.ts";
import { blobPath } from "../support/blob-path.ts";
import { type MadeFile, type MadeImage, makeImage } from "../support/make-image.ts";
import { type Exchange, type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.ts";
import { temporaryDirectory } from "../support/temp.ts";

/** A registry on loopback, and what it was asked. */
export interface MirrorSide {
  /** As references begin; requests to it are recorded. */
  readonly host: string;
  /** For what the test itself pushes; not recorded. */
  readonly url: string;
  readonly proxy: RecordingProxy;
  /** Takes a blob or manifest away, as if it had been lost. */
  lose(digest: string): Promise<void>;
  /** `GET /v2/app/blobs/sha256:…`, in order, without the probe. */
  asked(matches?: (exchange: Exchange) => boolean): string[];
}

/** Starts a registry over an empty layout until the test ends. */
export async function startSide(): Promise<MirrorSide> {
  const directory = join(await temporaryDirectory("mirror-side"), "images");
  const registry = await startRegistry(
    { directory, writable: true, host: "127.0.0.1", port: 0, closeWithin: 0 },
    unstoppable,
  );
  const proxy = await startRecordingProxy(registry.url);
  onTestFinished(async () => {
    await proxy.stop();
    await registry.close();
  });
  return {
    ...{ host: proxy.host, url: registry.url, proxy },
    lose: (digest) => rm(blobPath(directory, digest)),
    asked: (matches = () => true) =>
      proxy.exchanges
        .filter((exchange) => exchange.path !== "/v2/" && matches(exchange))
        .map(({ method, path }) => `${method} ${path}`),
  };
}

/** Both sides of a mirror. */
export async function startSides(): Promise<{ readonly near: MirrorSide; readonly far: MirrorSide }> {
  const [near, far] = await Promise.all([startSide(), startSide()]);
  return { near, far };
}

/** What a mirror.yaml says; `NEAR` in it is the side's host. */
export function planOf(text: string, near: Pick<MirrorSide, "host">): MirrorPlan {
  return parseMirrorFile(text.replaceAll("NEAR", near.host), { name: "mirror.yaml", variables: {} });
}

/** Mirrors what a mirror.yaml says, without the machine's settings and without second attempts. */
export function mirror(
  text: string,
  near: Pick<MirrorSide, "host">,
  to: string,
  options: MirrorOptions = {},
): Promise<MirrorResult> {
  return runMirror(planOf(text, near), parseMirrorPlace(to), { env: {}, retries: 0, ...options });
}

/** Loads a layout or an archive. */
export async function load(from: string, to: string, options: LoadOptions = {}): Promise<MirrorResult> {
  const place = parseMirrorPlace(from);
  if (place.transport === "registry") throw new Error(`${from} is no file`);
  return loadMirror(place, parseMirrorPlace(to), { env: {}, retries: 0, ...options });
}

/** An image of one layer for each of the texts; equal texts are equal layers. */
export function imageOf(...texts: readonly string[]): MadeImage {
  return makeImage({ layers: texts.map((content) => ({ files: [file(content)] })) });
}

function file(content: string): MadeFile {
  return { path: "f", content };
}

/** What a run came to, short enough to compare: images and codes of failures. */
export function outcomeOf({ images, faults }: Pick<MirrorResult, "images" | "faults">) {
  return {
    images: images.map(({ image, isMoved }) => `${image.target}:${image.tag}${isMoved ? "" : " (same)"}`),
    faults: faults.map(({ subject, error }) => `${subject.replace(/^[^/]*\//, "")} ${error.code}`),
  };
}

/** The digest of a made blob at some place of an image. */
export function digestOfMade({ descriptor }: { readonly descriptor: { readonly digest: string } }): string {
  return descriptor.digest;
}
