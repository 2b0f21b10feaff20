import { join } from "node:path";
import { onTestFinished } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { digestOf } from "../../src/model/digest.ts";
import { type RunningRegistry, type ServingOptions, startRegistry } from "../../src/server/start-registry.ts";
import { openLayout } from "../../src/store/layout/open-layout.ts";
import type { StoredManifest } from "../../src/store/source.ts";
import type { TinyImage } from "../store/layout/tiny-image.ts";
import { temporaryDirectory } from "../support/temp.ts";

/** A registry of one test, and the plainest ways to talk to it. */
export interface TestRegistry extends RunningRegistry {
  readonly directory: string;
  /** A request for a path below `/v2/`, or for a Location. */
  ask(method: string, path: string, init?: RequestInit): Promise<Response>;
  /** Uploads in one POST, and gives the status. */
  pushBlob(repository: string, bytes: Uint8Array): Promise<number>;
  /** Puts a manifest under a tag, or under its digest. */
  pushManifest(repository: string, manifest: StoredManifest, tag?: string): Promise<Response>;
  pushImage(repository: string, image: TinyImage, tag?: string): Promise<void>;
}

/** What is different about a registry of a test. */
type TestRegistryOptions = Partial<
  ServingOptions & { readonly directory: string; readonly writable: boolean }
>;

/** Starts a registry that ends with the test; writable, over an empty layout named `store`, unless told otherwise. */
export async function testRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const directory = options.directory ?? join(await temporaryDirectory("registry"), "store");
  await openLayout(directory, { create: true }, unstoppable);
  const registry = await startRegistry(
    { directory, writable: true, host: "127.0.0.1", port: 0, closeWithin: 500, ...options },
    unstoppable,
  );
  onTestFinished(() => registry.close());
  const ask = (method: string, path: string, init: RequestInit = {}) =>
    fetch(new URL(path, `${registry.url}/v2/`), { method, redirect: "manual", ...init });
  const pushBlob = async (repository: string, bytes: Uint8Array) => {
    const body = Buffer.from(bytes);
    return (await ask("POST", `${repository}/blobs/uploads/?digest=${digestOf(bytes)}`, { body })).status;
  };
  const pushManifest = (repository: string, manifest: StoredManifest, tag?: string) =>
    ask("PUT", `${repository}/manifests/${tag ?? manifest.descriptor.digest}`, {
      body: Buffer.from(manifest.bytes),
      headers: { "Content-Type": manifest.descriptor.mediaType },
    });
  return {
    ...registry,
    directory,
    ask,
    pushBlob,
    pushManifest,
    async pushImage(repository, image, tag) {
      for (const { bytes } of [image.config, image.layer]) await pushBlob(repository, bytes);
      const response = await pushManifest(repository, image.manifest, tag);
      if (response.status !== 201) throw new Error(`push: ${response.status} ${await response.text()}`);
    },
  };
}

/** The code of the first error in a response. */
export async function errorCode(response: Response): Promise<string> {
  const document = (await response.json()) as { errors: { code: string }[] };
  return document.errors[0]?.code ?? "none";
}
