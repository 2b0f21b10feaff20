import { lstat, opendir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Call } from "../../io/call.ts";
import type { Content } from "../../io/content.ts";
import { errnoOf, localError } from "../../io/local-error.ts";
import { verify } from "../../io/verify.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import { type Digest, digestAlgorithm, digestHex, isDigest } from "../../model/digest.ts";
import { type ContentExtent, readFileContent } from "./file-content.ts";
import { TemporaryFile } from "./temporary-file.ts";

/**
 * The content-addressed files of a layout: `blobs/<algorithm>/<hex>`.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md#blobs
 */
export class BlobDirectory {
  readonly #layout: string;
  readonly #followSymlinks: boolean;

  /**
   * @param layout the layout's directory.
   * @param followSymlinks whether a blob may be a symlink. Where content is handed out without its digest being
   *   checked it must not: a link could lead to any file of the machine.
   */
  constructor(layout: string, followSymlinks: boolean) {
    this.#layout = layout;
    this.#followSymlinks = followSymlinks;
  }

  /** Where the blob is, or would be. */
  path(digest: Digest): string {
    return join(this.#layout, "blobs", digestAlgorithm(digest), digestHex(digest));
  }

  /**
   * The blob's size in bytes; `undefined` when there is none.
   *
   * @throws ComposeImageError `LOCAL_IO`
   */
  async size(digest: Digest): Promise<number | undefined> {
    const path = this.path(digest);
    try {
      const found = await (this.#followSymlinks ? stat(path) : lstat(path));
      return found.isFile() ? found.size : undefined;
    } catch (cause) {
      if (/^(ENOENT|ENOTDIR|ELOOP)$/.test(errnoOf(cause))) return undefined;
      throw localError(cause, `cannot read ${path}`);
    }
  }

  /** The blob's bytes as they are on disk, **not verified**. */
  read(digest: Digest, extent: ContentExtent, call: Call): Content {
    return readFileContent(this.path(digest), { ...extent, noFollow: !this.#followSymlinks }, call);
  }

  /**
   * The digests of all blobs, by their names alone; files that are called otherwise are left out.
   *
   * @throws ComposeImageError `LOCAL_IO`
   */
  async *list(call: Call): AsyncGenerator<Digest> {
    for (const algorithm of ["sha256", "sha512"]) {
      const directory = join(this.#layout, "blobs", algorithm);
      try {
        for await (const { name } of await opendir(directory)) {
          call.signal.throwIfAborted();
          const digest = `${algorithm}:${name}`;
          if (isDigest(digest)) yield digest;
        }
      } catch (cause) {
        call.signal.throwIfAborted();
        if (errnoOf(cause) !== "ENOENT") throw localError(cause, `cannot read ${directory}`);
      }
    }
  }

  /** A file to collect a blob in; publish it at {@link path} once its digest is known to be right. */
  stage(): TemporaryFile {
    return new TemporaryFile(this.#layout, "blob");
  }

  /**
   * Writes content that has to be the descriptor's; on failure nothing is left.
   *
   * @throws ComposeImageError `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `DISK_FULL`, `LOCAL_IO`, and what the content throws.
   */
  async write(descriptor: Descriptor, content: Content, subject: string, call: Call): Promise<void> {
    const staged = this.stage();
    try {
      for await (const chunk of verify(content, descriptor, subject)) {
        call.signal.throwIfAborted();
        await staged.append(chunk);
      }
      call.signal.throwIfAborted();
      await staged.publish(this.path(descriptor.digest));
    } finally {
      await staged.discard();
    }
  }

  /** Removes the blob; one that is not there is fine. */
  async remove(digest: Digest): Promise<void> {
    try {
      await rm(this.path(digest), { force: true });
    } catch (cause) {
      throw localError(cause, `cannot remove ${this.path(digest)}`);
    }
  }
}
