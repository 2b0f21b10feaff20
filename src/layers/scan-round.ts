import type { Call } from "../io/call.ts";
import type { MemberHead } from "../tar/member.ts";
import type { ImageView } from "./image-view.ts";
import type { ImagePath } from "./path.ts";
import { LayerScan } from "./scan.ts";
import { Visibility } from "./visibility.ts";

/** The scans of one view in one round, and what its finished layers hide from those below. */
export class ScanRound {
  readonly view: ImageView;
  readonly #visibility = new Visibility();
  /** The lowest position that `#visibility` has taken in; layers below it may ask. */
  #taken: number;
  readonly #scans = new Map<number, PendingScan>();
  /** One for all who wait, who are stopped together. */
  #aborted: Promise<void> | undefined;

  constructor(view: ImageView) {
    this.view = view;
    this.#taken = view.layerCount;
  }

  /** @param turn the blob's place in the order in which blobs begin to be read. */
  begin(position: number, turn: number): PendingScan {
    const scan = new PendingScan(this, position, turn);
    this.#scans.set(position, scan);
    return scan;
  }

  /**
   * Once the layers above are finished: whether a file at the path shows through them. Only blobs with an earlier turn
   * are waited for, or readings could wait for each other in a circle; where others lie above, the answer is no.
   */
  showsAt(scan: PendingScan, path: ImagePath, call: Call): boolean | Promise<boolean> {
    const { position } = scan;
    if (this.#taken <= position + 1) return this.#visibility.shows(path);
    const unfinished = [...this.#scans.values()].filter(
      (other) => other.position > position && !other.hasFinished,
    );
    if (unfinished.some(({ turn }) => turn >= scan.turn)) return false;
    if (unfinished.length === 0) return this.#showsThrough(position, path);
    const finished = Promise.all(unfinished.map((other) => other.finished));
    this.#aborted ??= whenAborted(call);
    return Promise.race([finished, this.#aborted]).then(() => {
      call.signal.throwIfAborted();
      return this.#showsThrough(position, path);
    });
  }

  #showsThrough(position: number, path: ImagePath): boolean {
    while (this.#taken - 1 > position) {
      this.#taken -= 1;
      const index = this.view.indexAt(this.#taken);
      if (index !== undefined) this.#visibility.add(index);
    }
    return this.#visibility.shows(path);
  }
}

/** One layer's scan for one view. */
export class PendingScan {
  readonly position: number;
  readonly turn: number;
  readonly finished: Promise<void>;
  readonly #round: ScanRound;
  #resolve: () => void = () => {};
  #scan: LayerScan | undefined;
  hasFinished = false;

  constructor(round: ScanRound, position: number, turn: number) {
    this.#round = round;
    this.position = position;
    this.turn = turn;
    this.finished = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Forgets what was offered: the layer is read from its beginning. */
  restart(): void {
    const { blob, wanted } = this.#round.view.layer(this.position);
    this.#scan = new LayerScan(wanted, { blob, position: this.position });
  }

  /** Takes note of a member, and says whether its body is to be put aside. */
  offer(member: MemberHead, call: Call): boolean | Promise<boolean> {
    const decision = this.#scan?.offer(member) ?? "skip";
    if (decision === "skip") return false;
    if (decision === "stage") return true;
    const { view } = this.#round;
    const path = decision.ifVisibleAt;
    return view.wantsBody(path) && this.#round.showsAt(this, path, call);
  }

  /** @param hasFooter whether the layer turned out to be eStargz by its last bytes. */
  finish(hasFooter: boolean): void {
    if (this.#scan !== undefined) this.#round.view.record(this.position, this.#scan.finish(hasFooter));
    this.hasFinished = true;
    this.#resolve();
  }
}

/** Settles when the call is stopped. */
function whenAborted(call: Call): Promise<void> {
  return new Promise((resolve) => {
    if (call.signal.aborted) resolve();
    else call.signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
