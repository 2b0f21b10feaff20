import { applyLayers, type DemandScan, type ScanScope } from "./apply-layers.ts";
import { Interest } from "./interest.ts";
import type { LayerBlob } from "./layer-blob.ts";
import type { LayerIndex } from "./layer-index.ts";
import { MergedTree } from "./merged-tree.ts";
import { type ImagePath, parentOf } from "./path.ts";
import { expectAffordable } from "./scan-cost.ts";
import { UnknownPath } from "./unknown-path.ts";

/** A layer's place in a view, with what is wanted of it and what a scan has told so far. */
interface ViewedLayer {
  readonly blob: LayerBlob;
  wanted: Interest;
  index: LayerIndex | undefined;
}

/** Paths that the same layers must be scanned for. */
interface Demand {
  readonly scope: ScanScope;
  readonly paths: Set<ImagePath>;
}

/** Options of an {@link ImageView}. */
export interface ImageViewOptions {
  /** Whether the content of a file at this path is to be put aside when a scan meets it; the tree decides later. */
  readonly wantsBody: (path: ImagePath) => boolean;
  readonly onWarning: (message: string) => void;
}

/**
 * An image's files as far as an interest goes. The interest grows while questions are answered: a symlink leads
 * elsewhere, a hardlink points out of the selection. Then {@link UnknownPath} is thrown, {@link unscanned} names the
 * layers to read (again), and {@link record} takes what they told.
 */
export class ImageView {
  /** For messages: `builder registry.example/app:1`. */
  readonly name: string;
  readonly wantsBody: (path: ImagePath) => boolean;
  /** Bottom to top. */
  readonly #layers: ViewedLayer[];
  readonly #onWarning: (message: string) => void;
  readonly #warned = new Set<string>();
  #demands = new Map<string, Demand>();
  #tree: MergedTree | undefined;
  #cost = 0;

  constructor(name: string, layers: readonly LayerBlob[], interest: Interest, options: ImageViewOptions) {
    this.name = name;
    this.wantsBody = options.wantsBody;
    this.#onWarning = options.onWarning;
    this.#layers = layers.map((blob) => ({ blob, wanted: interest, index: undefined }));
  }

  /** Positions, from the bottom, of the layers whose scan is missing or too narrow, top layer first. */
  unscanned(): number[] {
    this.#meetDemands();
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

  /**
   * Takes the result of a scan.
   *
   * @throws ComposeImageError `LIMIT_EXCEEDED` when all results together are too much.
   */
  record(position: number, index: LayerIndex): void {
    const layer = this.#layers[position];
    if (layer !== undefined) {
      this.#cost += index.cost - (layer.index?.cost ?? 0);
      layer.index = index;
    }
    this.#tree = undefined;
    expectAffordable(this.#cost, this.name);
  }

  /**
   * The merged files.
   *
   * @throws UnknownPath when a wider scan is needed first; what {@link applyLayers} throws.
   */
  tree(): MergedTree {
    if (this.#tree === undefined) {
      this.#demandAliases();
      const scanned = this.#layers.flatMap(({ blob, index }) =>
        index === undefined ? [] : [{ blob, index }],
      );
      const applied = applyLayers(scanned, this.#demand, (message) => this.#warnOnce(message));
      const interests = scanned.map(({ index }) => index.interest);
      this.#tree = new MergedTree(applied, interests, this.#demand);
    }
    return this.#tree;
  }

  readonly #demand: DemandScan = (path, scope) => {
    const key = JSON.stringify(scope);
    const demand = this.#demands.get(key) ?? { scope, paths: new Set() };
    demand.paths.add(path);
    this.#demands.set(key, demand);
  };

  /** Forgets what scans have told, once no more is to be asked. Files that were handed out stay as they are. */
  release(): void {
    for (const layer of this.#layers) layer.index = undefined;
    this.#tree = undefined;
  }

  /** Widens what is wanted of layers; those with the same interest go on sharing one. */
  #meetDemands(): void {
    for (const { scope, paths } of this.#demands.values()) {
      const addition = scope === "all" ? new Interest(paths) : new Interest([], paths);
      const widened = new Map<Interest, Interest>();
      for (const [position, layer] of this.#layers.entries()) {
        if (!isMeant(position, scope)) continue;
        const { wanted } = layer;
        const wider = widened.get(wanted) ?? (wanted.covers(addition) ? wanted : wanted.and(addition));
        widened.set(wanted, wider);
        layer.wanted = wider;
      }
    }
    this.#demands = new Map();
  }

  /**
   * An upper layer may write through a lower layer's symlink into the interest, without an entry of its own for the
   * directory. Such symlinks have to be in the view. Where it writes to a directory that nothing is known of, a symlink
   * there may lead to one of those that lead into the interest: these are taken in, which shows the former.
   */
  #demandAliases(): void {
    if (this.#layers.every(({ index }) => index === undefined || index.aliases.size === 0)) return;
    const aliases = new Set(this.#layers.flatMap(({ index }) => [...(index?.aliases ?? [])]));
    const writtenInto = new WrittenDirectories(aliases);
    let writesToUnknown = false;
    let first: ImagePath | undefined;
    for (const { wanted, index } of this.#layers.toReversed()) {
      for (const parent of index?.unlistedParents ?? []) {
        const isBelowAlias = writtenInto.add(parent);
        writesToUnknown ||= !isBelowAlias && !wanted.knows(parent);
      }
      for (const alias of index?.aliases ?? []) {
        if (!writesToUnknown && !writtenInto.has(alias)) continue;
        first ??= alias;
        this.#demand(alias, "all");
      }
    }
    if (first !== undefined) throw new UnknownPath(first);
  }

  #warnOnce(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.#onWarning(message);
  }
}

function isMeant(position: number, scope: ScanScope): boolean {
  if (scope === "all") return true;
  return "only" in scope ? position === scope.only : position <= scope.upTo;
}

/** Directories that are written into, with all above them. */
class WrittenDirectories {
  readonly #aliases: ReadonlySet<ImagePath>;
  /** Whether each is a symlink that leads into the interest, or below one. */
  readonly #belowAlias = new Map<ImagePath, boolean>();

  constructor(aliases: ReadonlySet<ImagePath>) {
    this.#aliases = aliases;
  }

  has(path: ImagePath): boolean {
    return this.#belowAlias.has(path);
  }

  /** Takes a directory in. Gives whether it is such a symlink or below one. */
  add(directory: ImagePath): boolean {
    const added: ImagePath[] = [];
    let at = directory;
    for (; at !== "" && !this.#belowAlias.has(at); at = parentOf(at)) added.push(at);
    let isBelow = this.#belowAlias.get(at) ?? false;
    for (const path of added.reverse()) {
      isBelow ||= this.#aliases.has(path);
      this.#belowAlias.set(path, isBelow);
    }
    return isBelow;
  }
}
