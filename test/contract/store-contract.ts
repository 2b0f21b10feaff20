import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { collect } from "../../src/io/collect.ts";
import type { OpenContent } from "../../src/io/content.ts";
import type { Descriptor } from "../../src/model/descriptor.ts";
import { digestOf } from "../../src/model/digest.ts";
import { encodeManifest } from "../../src/model/manifest.ts";
import { mediaTypes } from "../../src/model/media-types.ts";
import type { StoredManifest } from "../../src/store/source.ts";
import type { Target } from "../../src/store/target.ts";

/** A target that nothing has been written to, and the way to put it away. */
export interface OpenedTarget {
  readonly target: Target;
  close(): Promise<void>;
}

/** What holds for every {@link Target}, whatever it writes to. */
export function describeStoreContract(name: string, openTarget: () => Promise<OpenedTarget>): void {
  describe(`${name}, as every store`, () => {
    let opened: OpenedTarget;
    let target: Target;
    beforeEach(async () => {
      opened = await openTarget();
      target = opened.target;
    });
    afterEach(async () => {
      await opened.close();
    });

    const read = async (descriptor: Descriptor) =>
      collect(await target.fetch(descriptor, unstoppable), 16 * 1024 * 1024, "blob");
    const pushBlob = async (bytes: Uint8Array) => {
      const descriptor = blobDescriptor(bytes);
      await target.push(descriptor, opening(bytes), unstoppable);
      return descriptor;
    };
    const pushImage = async (author: string): Promise<StoredManifest> => {
      const config = await pushBlob(
        Buffer.from(JSON.stringify({ architecture: "amd64", os: "linux", author })),
      );
      const layer = await pushBlob(randomBytes(1000));
      const bytes = encodeManifest({
        kind: "manifest",
        mediaType: mediaTypes.oci.manifest,
        config: { ...config, mediaType: mediaTypes.oci.config },
        layers: [{ ...layer, mediaType: mediaTypes.oci.layer }],
        annotations: {},
      });
      const descriptor = {
        mediaType: mediaTypes.oci.manifest,
        digest: digestOf(bytes),
        size: bytes.byteLength,
      };
      return { descriptor, bytes };
    };

    it("gives a pushed blob back byte for byte", async () => {
      const bytes = randomBytes(3 * 1024 * 1024 + 17);
      const descriptor = await pushBlob(bytes);
      expect(await target.exists(descriptor, unstoppable)).toBe(true);
      expect(digestOf(await read(descriptor))).toBe(descriptor.digest);
    });

    it("takes and gives an empty blob", async () => {
      const descriptor = await pushBlob(new Uint8Array());
      expect(await target.exists(descriptor, unstoppable)).toBe(true);
      expect(await read(descriptor)).toHaveLength(0);
    });

    it("gives a blob's bytes from any of them on", async () => {
      const bytes = randomBytes(100_000);
      const descriptor = await pushBlob(bytes);
      const readFrom = async (start: number, of: Descriptor) => {
        if (target.fetchFrom === undefined) throw new Error("it cannot be read from the middle");
        return collect(await target.fetchFrom(of, start, unstoppable), 100_000, "blob");
      };
      for (const start of [0, 1, 65_536, 99_999]) {
        expect(await readFrom(start, descriptor)).toEqual(bytes.subarray(start));
      }
      const missing = { ...descriptor, digest: digestOf(Buffer.from("missing")) };
      await expect(readFrom(0, missing)).rejects.toMatchObject({ code: "BLOB_NOT_FOUND" });
    });

    it("takes the same blob a second time", async () => {
      const bytes = randomBytes(1000);
      await pushBlob(bytes);
      expect(await read(await pushBlob(bytes))).toEqual(bytes);
    });

    it("takes the same blob from two pushes at once", async () => {
      const bytes = randomBytes(1024 * 1024);
      const [descriptor] = await Promise.all([pushBlob(bytes), pushBlob(bytes)]);
      expect(await read(descriptor)).toEqual(bytes);
    });

    it("says that a blob nobody pushed is not there", async () => {
      const descriptor = blobDescriptor(randomBytes(10));
      expect(await target.exists(descriptor, unstoppable)).toBe(false);
      await expect(read(descriptor)).rejects.toMatchObject({ code: "BLOB_NOT_FOUND" });
    });

    it("refuses content of another digest and keeps nothing", async () => {
      const descriptor = blobDescriptor(randomBytes(1000));
      await expect(target.push(descriptor, opening(randomBytes(1000)), unstoppable)).rejects.toMatchObject({
        code: "DIGEST_MISMATCH",
      });
      expect(await target.exists(descriptor, unstoppable)).toBe(false);
    });

    it("refuses content that is too short or too long and keeps nothing", async () => {
      const bytes = randomBytes(1000);
      const descriptor = blobDescriptor(bytes);
      for (const wrong of [bytes.subarray(0, 999), Buffer.concat([bytes, Buffer.of(0)])]) {
        await expect(target.push(descriptor, opening(wrong), unstoppable)).rejects.toMatchObject({
          code: "SIZE_MISMATCH",
        });
      }
      expect(await target.exists(descriptor, unstoppable)).toBe(false);
    });

    it("passes on why the content failed and keeps nothing", async () => {
      const bytes = randomBytes(1000);
      const descriptor = blobDescriptor(bytes);
      const failure = new Error("the builder's layer is damaged");
      const open: OpenContent = async () => failing(bytes.subarray(0, 500), failure);
      await expect(target.push(descriptor, open, unstoppable)).rejects.toBe(failure);
      expect(await target.exists(descriptor, unstoppable)).toBe(false);
    });

    it("keeps nothing of a push that is aborted, and throws the abort's reason", async () => {
      const bytes = randomBytes(1000);
      const descriptor = blobDescriptor(bytes);
      const controller = new AbortController();
      const reason = new Error("interrupted");
      const open: OpenContent = async () => abortingAfter(bytes.subarray(0, 500), controller, reason);
      await expect(target.push(descriptor, open, { signal: controller.signal })).rejects.toBe(reason);
      expect(await target.exists(descriptor, unstoppable)).toBe(false);
    });

    it("starts nothing for a call that is aborted already", async () => {
      const reason = new Error("interrupted");
      const call = { signal: AbortSignal.abort(reason) };
      const descriptor = blobDescriptor(randomBytes(10));
      await expect(target.exists(descriptor, call)).rejects.toBe(reason);
      await expect(target.push(descriptor, opening(randomBytes(10)), call)).rejects.toBe(reason);
      await expect(target.resolve({ tag: "latest" }, call)).rejects.toBe(reason);
    });

    it("stops a fetch that is aborted while it is read", async () => {
      const descriptor = await pushBlob(randomBytes(8 * 1024 * 1024));
      const controller = new AbortController();
      const reason = new Error("interrupted");
      const content = await target.fetch(descriptor, { signal: controller.signal });
      const reading = (async () => {
        for await (const _ of content) controller.abort(reason);
      })();
      await expect(reading).rejects.toBe(reason);
    });

    it("can be read again after a reader left early", async () => {
      const bytes = randomBytes(4 * 1024 * 1024);
      const descriptor = await pushBlob(bytes);
      for await (const chunk of await target.fetch(descriptor, unstoppable)) {
        expect(chunk.byteLength).toBeGreaterThan(0);
        break;
      }
      expect(digestOf(await read(descriptor))).toBe(descriptor.digest);
    });

    it("fails to give a blob whose descriptor has another size", async () => {
      const descriptor = await pushBlob(randomBytes(1000));
      for (const size of [999, 1001]) {
        await expect(read({ ...descriptor, size })).rejects.toMatchObject({ code: "SIZE_MISMATCH" });
      }
    });

    it("mounts nothing that is not there, without failing", async () => {
      const descriptor = blobDescriptor(randomBytes(10));
      const origin = target.mountOrigin ?? { registry: "registry.invalid", repository: "elsewhere" };
      const from = { ...origin, repository: "nobody/has/this" };
      expect(await target.mount(descriptor, from, unstoppable)).toBe(false);
      expect(await target.exists(descriptor, unstoppable)).toBe(false);
    });

    it("gives a manifest pushed by digest back by its digest", async () => {
      const manifest = await pushImage("one");
      await target.pushManifest(manifest, unstoppable);
      await target.pushManifest(manifest, unstoppable);
      const { digest } = manifest.descriptor;
      expect(await target.exists(manifest.descriptor, unstoppable)).toBe(true);
      expect(await target.resolve({ digest }, unstoppable)).toMatchObject(manifest.descriptor);
      const found = await target.manifest({ digest }, unstoppable);
      expect(found.descriptor).toMatchObject(manifest.descriptor);
      expect(Buffer.from(found.bytes)).toEqual(Buffer.from(manifest.bytes));
    });

    it("gives a tagged manifest back by its tag, with the very bytes", async () => {
      const manifest = await pushImage("one");
      await target.pushManifest(manifest, unstoppable);
      await target.tag(manifest, "v1.0", unstoppable);
      expect(await target.resolve({ tag: "v1.0" }, unstoppable)).toMatchObject(manifest.descriptor);
      const found = await target.manifest({ tag: "v1.0" }, unstoppable);
      expect(found.descriptor).toMatchObject(manifest.descriptor);
      expect(Buffer.from(found.bytes)).toEqual(Buffer.from(manifest.bytes));
    });

    it("moves no tag when a manifest is pushed by digest", async () => {
      const [one, two] = [await pushImage("one"), await pushImage("two")];
      await target.pushManifest(one, unstoppable);
      await target.tag(one, "latest", unstoppable);
      await target.pushManifest(two, unstoppable);
      expect((await target.resolve({ tag: "latest" }, unstoppable)).digest).toBe(one.descriptor.digest);
    });

    it("moves a tag, and tagging twice is as tagging once", async () => {
      const [one, two] = [await pushImage("one"), await pushImage("two")];
      for (const manifest of [one, two, two]) {
        await target.pushManifest(manifest, unstoppable);
        await target.tag(manifest, "latest", unstoppable);
        expect((await target.resolve({ tag: "latest" }, unstoppable)).digest).toBe(
          manifest.descriptor.digest,
        );
      }
    });

    it("keeps each tag of tags that are set at once", async () => {
      const manifest = await pushImage("one");
      await target.pushManifest(manifest, unstoppable);
      const tags = Array.from({ length: 8 }, (_, i) => `tag-${i}`);
      await Promise.all(tags.map((tag) => target.tag(manifest, tag, unstoppable)));
      for (const tag of tags) {
        expect((await target.resolve({ tag }, unstoppable)).digest).toBe(manifest.descriptor.digest);
      }
    });

    it("says that a tag or manifest nobody pushed is not there", async () => {
      const selectors = [{ tag: "nowhere" }, { digest: digestOf(randomBytes(10)) }];
      for (const selector of selectors) {
        const missing = { code: "MANIFEST_NOT_FOUND" };
        await expect(target.resolve(selector, unstoppable)).rejects.toMatchObject(missing);
        await expect(target.manifest(selector, unstoppable)).rejects.toMatchObject(missing);
      }
    });
  });
}

function blobDescriptor(bytes: Uint8Array): Descriptor {
  return { mediaType: mediaTypes.oci.layer, digest: digestOf(bytes), size: bytes.byteLength };
}

function opening(bytes: Uint8Array): OpenContent {
  return async () => inChunks(bytes);
}

async function* inChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 65_536)
    yield Uint8Array.from(bytes.subarray(at, at + 65_536));
}

async function* failing(bytes: Uint8Array, failure: Error): AsyncGenerator<Uint8Array> {
  yield Uint8Array.from(bytes);
  throw failure;
}

async function* abortingAfter(
  bytes: Uint8Array,
  controller: AbortController,
  reason: Error,
): AsyncGenerator<Uint8Array> {
  yield Uint8Array.from(bytes);
  controller.abort(reason);
  controller.signal.throwIfAborted();
}
