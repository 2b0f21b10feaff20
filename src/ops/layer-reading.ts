import type { MemoryBudget } from "../io/memory-budget.ts";
import { Spool } from "../io/spool.ts";
import type { ImageView } from "../layers/image-view.ts";
import type { LayerBlob } from "../layers/layer-blob.ts";
import { LayerReader } from "../layers/layer-reader.ts";
import type { Digest } from "../model/digest.ts";
import type { CopySource } from "../plan/compose-plan.ts";
import type { ResolvedImage } from "./resolve-image.ts";

/** How much may be under way, and where it goes. */
export interface LayerReadingOptions {
  /** Most layers read at once. */
  readonly jobs: number;
  readonly budget: MemoryBudget;
  readonly temporaryDirectory: string;
}

interface SharedView {
  readonly view: ImageView;
  users: number;
}

/**
 * What layers are read with. Builds that go on side by side share it, so that a blob they have in common is read once, and
 * an image that they have in common is held once.
 */
export class LayerReading implements AsyncDisposable {
  /** What was put aside of all layers. */
  readonly bodies: Spool;
  readonly reader: LayerReader;
  /** Blobs met so far. */
  readonly blobs = new Map<Digest, LayerBlob>();
  readonly #views = new Map<CopySource, Map<ResolvedImage, SharedView>>();

  /** @param builds how many share it; each has to say when it has read what it wants. */
  constructor({ jobs, budget, temporaryDirectory }: LayerReadingOptions, builds = 1) {
    this.bodies = new Spool(budget, temporaryDirectory);
    this.reader = new LayerReader(this.bodies, jobs, builds);
  }

  /** The view of an image that is copied from: the one there is, else a new one. */
  view(from: CopySource, image: ResolvedImage, make: () => ImageView): ImageView {
    const views = this.#views.get(from) ?? new Map<ResolvedImage, SharedView>();
    this.#views.set(from, views);
    const shared = views.get(image) ?? { view: make(), users: 0 };
    views.set(image, shared);
    shared.users += 1;
    return shared.view;
  }

  /** Has views forget what scans have told, those that others use once these are done with them. */
  release(views: Iterable<ImageView>): void {
    const shared = [...this.#views.values()].flatMap((byImage) => [...byImage.values()]);
    for (const view of views) {
      const known = shared.find((each) => each.view === view);
      if (known !== undefined) known.users -= 1;
      if (known === undefined || known.users === 0) view.release();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bodies[Symbol.asyncDispose]();
  }
}
