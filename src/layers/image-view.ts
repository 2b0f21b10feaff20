import { Interest } from "./interest.ts";
import type { LayerBlob } from "./layer-blob.ts";
import type { LayerIndex } from "./layer-index.ts";
import { type DemandScan, MergedTree, UnknownPath } from "./merged-tree.ts";
import { type ImagePath, isWithin } from "./path.ts";

/** A layer's place in a view, with what is wanted of it and what a scan has told so far. */
interface ViewedLayer {
  readonly blob: LayerBlob;
  wanted: Interest;
  index: LayerIndex | undefined;
}

/**
 * An image's files as far as an interest goes. The interest grows while questions are answered: a symlink leads
 * elsewhere, a hardlink points out of the selection. Then {@link UnknownPath} is thrown, {@link unscanned} names the
 * layers to read (again), and {@link record} takes what they told.
 */
export class ImageView {
  /** For messages: `builder registry.example/app:1`. */
  readonly name: string;
  /** Whether bodies in wanted subtrees are to be put aside while scanning. */
  readonly stagesBodies: boolean;
  /** Bottom to top. */
  readonly #layers: ViewedLayer[];
  readonly #onWarning: (message: string) => void;
  readonly #warned = new Set<string>();
  #tree: MergedTree | undefined;

  constructor(
    name: string,
    layers: readonly LayerBlob[],
    interest: Interest,
    options: { readonly stagesBodies: boolean; readonly onWarning: (message: string) => void },
  ) {
    this.name = name;
    this.stagesBodies = options.stagesBodies;
    this.#onWarning = options.onWarning;
    this.#layers = layers.map((blob) => ({ blob, wanted: interest, index: undefined }));
  }

  /** Positions, from the bottom, of the layers whose scan is missing or too narrow, top layer first. */
  unscanned(): number[] {
    const positions = [...this.#layers.keys()].filter((position) => {
      const layer = this.#layers[position];
      return layer !== undefined && layer.index?.interest !== layer.wanted;
    });
    return positions.reverse();
  }

  /** The layer at a position, and what is wanted of it. */
  layer(position: number): { readonly blob: LayerBlob; readonly wanted: Interest } {
    const layer = this.#layers[position];
    if (layer === undefined) throw new RangeError(`no layer ${position}`);
    return layer;
  }

  /** The last scan of the layer at a position, if there was one. */
  indexAt(position: number): LayerIndex | undefined {
    return this.#layers[position]?.index;
  }

  /** Number of layers. */
  get layerCount(): number {
    return this.#layers.length;
  }

  /** Takes the result of a scan. */
  record(position: number, index: LayerIndex): void {
    const layer = this.#layers[position];
    if (layer !== undefined) layer.index = index;
    this.#tree = undefined;
  }

  /**
   * The merged files.
   *
   * @throws UnknownPath when a wider scan is needed first; what {@link MergedTree} throws.
   */
  tree(): MergedTree {
    if (this.#tree === undefined) {
      this.#demandAliases();
      const scanned = this.#layers.flatMap(({ blob, index }) =>
        index === undefined ? [] : [{ blob, index }],
      );
      this.#tree = new MergedTree(scanned, this.#demand, (message) => this.#warnOnce(message));
    }
    return this.#tree;
  }

  /** Adds a path to what is wanted of layers, and says so by throwing. */
  readonly #demand: DemandScan = (path, scope) => {
    const subtree = new Interest([path]);
    const single = new Interest([], [path]);
    for (const [position, layer] of this.#layers.entries()) {
      const isMeant = scope === "all" || ("only" in scope ? position === scope.only : position <= scope.upTo);
      if (isMeant && !layer.wanted.knows(path))
        layer.wanted = layer.wanted.and(scope === "all" ? subtree : single);
    }
    throw new UnknownPath(path);
  };

  /**
   * An upper layer may write through a lower layer's symlink into the interest, without an entry of its own for the
   * directory. Such symlinks have to be in the view.
   */
  #demandAliases(): void {
    const writtenThrough = new Set<ImagePath>();
    for (const [position, { index }] of this.#layers.entries()) {
      const parents = this.#layers
        .slice(position)
        .flatMap((upper) => [...(upper.index?.unlistedParents ?? [])]);
      for (const alias of index?.aliases ?? []) {
        if (parents.some((parent) => isWithin(parent, alias))) writtenThrough.add(alias);
      }
    }
    const [first] = writtenThrough;
    if (first === undefined) return;
    const interest = new Interest(writtenThrough);
    for (const layer of this.#layers) layer.wanted = layer.wanted.and(interest);
    throw new UnknownPath(first);
  }

  #warnOnce(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.#onWarning(message);
  }
}
