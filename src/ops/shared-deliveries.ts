import type { Call } from "../io/call.ts";
import type { OpenContent } from "../io/content.ts";
import type { Digest } from "../model/digest.ts";
import type { Target } from "../store/target.ts";
import type { ImageBlob } from "./push-image.ts";

/**
 * What several copies at once bring to the repositories of one place, so that each blob is read from its source once,
 * however many images share it: who wants a blob that is on its way waits for it, and takes it from where it went.
 */
export class SharedDeliveries {
  readonly #sharesContent: boolean;
  /** Settles, without failing, when whoever brings the blob has ended. */
  readonly #underWay = new Map<Digest, Promise<unknown>>();
  /** A repository that has the blob. */
  readonly #holders = new Map<Digest, Target>();
  /** The blobs that are where they are wanted. */
  readonly #done = new Set<string>();

  /**
   * @param sharesContent whether what one repository has all others have, as in a layout.
   * @param holders repositories of the place that have blobs which their sources may lack.
   */
  constructor(sharesContent: boolean, holders: ReadonlyMap<Digest, Target> = new Map()) {
    this.#sharesContent = sharesContent;
    for (const [digest, holder] of holders) this.#holders.set(digest, holder);
  }

  /**
   * Has the blob brought to the target, unless that has happened.
   *
   * @param bring brings it from where it is told to take it.
   */
  async deliver(
    blob: ImageBlob,
    target: Target,
    bring: (blob: ImageBlob) => Promise<void>,
    call: Call,
  ): Promise<void> {
    const { digest } = blob.descriptor;
    const key = this.#sharesContent ? digest : `${target.name}@${digest}`;
    for (let other = this.#underWay.get(digest); other !== undefined; other = this.#underWay.get(digest)) {
      await other;
      call.signal.throwIfAborted();
    }
    if (this.#done.has(key)) return;
    const bringing = bring(this.#fromHolder(blob)).then(() => {
      this.#done.add(key);
      if (!this.#holders.has(digest)) this.#holders.set(digest, target);
    });
    const settled = bringing.catch(() => {}).finally(() => this.#underWay.delete(digest));
    this.#underWay.set(digest, settled);
    await bringing;
  }

  /** Taken from where it went first, it is mounted, or where that is not done read from there. */
  #fromHolder(blob: ImageBlob): ImageBlob {
    const { descriptor } = blob;
    const holder = this.#holders.get(descriptor.digest);
    if (holder === undefined) return blob;
    const from = holder.fetchFrom?.bind(holder, descriptor);
    const open: OpenContent = Object.assign((call: Call) => holder.fetch(descriptor, call), { from });
    return { descriptor, open, mountFrom: holder.mountOrigin };
  }
}
