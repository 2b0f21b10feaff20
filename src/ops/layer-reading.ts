import type { MemoryBudget } from "../io/memory-budget.ts";
import { Spool } from "../io/spool.ts";
import type { DirectoryView } from "../layers/directory-view.ts";
import type { ImageView } from "../layers/image-view.ts";
import type { LayerBlob } from "../layers/layer-blob.ts";
import { type FilesView, LayerReader } from "../layers/layer-reader.ts";
import type { Digest } from "../model/digest.ts";
import { SharedViews } from "./shared-views.ts";

/** How much may be under way, and where it goes. */
export interface LayerReadingOptions {
  /** Most layers read at once. */
  readonly jobs: number;
  readonly budget: MemoryBudget;
  readonly temporaryDirectory: string;
}

/**
 * What layers are read with. Builds that go on side by side share it, so that a blob they have in common is read once, and
 * an image or directory that they have in common is held once.
 */
export class LayerReading implements AsyncDisposable {
  /** What was put aside of all layers. */
  readonly bodies: Spool;
  readonly reader: LayerReader;
  /** Blobs met so far. */
  readonly blobs = new Map<Digest, LayerBlob>();
  readonly images = new SharedViews<ImageView>();
  readonly directories = new SharedViews<DirectoryView>();

  /** @param builds how many share it; each has to leave the reader when it has read what it wants. */
  constructor({ jobs, budget, temporaryDirectory }: LayerReadingOptions, builds = 1) {
    this.bodies = new Spool(budget, temporaryDirectory);
    this.reader = new LayerReader(this.bodies, jobs, builds);
  }

  /** Has views forget what they know; those that others use, once these are done with them. */
  release(views: Iterable<FilesView>): void {
    for (const view of views) {
      const others = this.images.leave(view) + this.directories.leave(view);
      if (others === 0) view.release();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bodies[Symbol.asyncDispose]();
  }
}
