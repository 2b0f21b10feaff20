import type { Call } from "../io/call.ts";
import type { TarMember } from "../tar/member.ts";
import type { ImageView } from "./image-view.ts";
import { cleanPath, type ImagePath } from "./path.ts";
import { LayerScan } from "./scan.ts";
import { Visibility } from "./visibility.ts";

/** The scans of one view in one round, and what its finished layers hide from those below. */
export class ScanRound {
  readonly view: ImageView;
  readonly #visibility = new Visibility();
  /** The lowest position that `#visibility` has taken in; layers below it may ask. */
  #taken: number;
  readonly #scans = new Map<number, PendingScan>();

  constructor(view: ImageView) {
    this.view = view;
    this.#taken = view.layerCount;
  }

  begin(position: number): PendingScan {
    const scan = new PendingScan(this, position);
    this.#scans.set(position, scan);
    return scan;
  }

  /** Once the layers above are finished: whether a file at the path shows through them. */
  showsAt(position: number, path: ImagePath, call: Call): boolean | Promise<boolean> {
    if (this.#taken <= position + 1) return this.#visibility.shows(path);
    const above = this.#scansAbove(position);
    if (above.some((scan) => !scan.hasStarted)) return false;
    if (above.every((scan) => scan.hasFinished)) {
      this.#takeDownTo(position);
      return this.#visibility.shows(path);
    }
    return Promise.race([Promise.all(above.map((scan) => scan.finished)), whenAborted(call)]).then(() => {
      call.signal.throwIfAborted();
      this.#takeDownTo(position);
      return this.#visibility.shows(path);
    });
  }

  #scansAbove(position: number): PendingScan[] {
    return [...this.#scans.values()].filter((scan) => scan.position > position);
  }

  #takeDownTo(position: number): void {
    while (this.#taken - 1 > position) {
      this.#taken -= 1;
      const index = this.view.indexAt(this.#taken);
      if (index !== undefined) this.#visibility.add(index);
    }
  }
}

/** One layer's scan for one view. */
export class PendingScan {
  readonly position: number;
  readonly finished: Promise<void>;
  readonly #round: ScanRound;
  #resolve: () => void = () => {};
  #scan: LayerScan | undefined;
  hasStarted = false;
  hasFinished = false;

  constructor(round: ScanRound, position: number) {
    this.#round = round;
    this.position = position;
    this.finished = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  start(): void {
    this.hasStarted = true;
  }

  restart(): void {
    const { blob, wanted } = this.#round.view.layer(this.position);
    this.#scan = new LayerScan(wanted, blob.name);
  }

  offer(member: TarMember, call: Call): boolean | Promise<boolean> {
    const decision = this.#scan?.offer(member) ?? "skip";
    if (decision === "skip") return false;
    if (decision === "stage") return true;
    if (!this.#round.view.stagesBodies) return false;
    const path = cleanPath(member.header.path, "");
    return this.#round.showsAt(this.position, path, call);
  }

  finish(): void {
    if (this.#scan !== undefined) this.#round.view.record(this.position, this.#scan.finish());
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
