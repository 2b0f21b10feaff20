import { abortable } from "../io/abortable.ts";
import type { Call } from "../io/call.ts";
import type { OpenContent } from "../io/content.ts";
import type { Digest } from "../model/digest.ts";
import { ComposeImageError, type ErrorCode } from "../model/errors.ts";
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
      await abortable(other, call);
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

  /**
   * Taken from where it went first, it is mounted, or where that is not done read from there. Who may write to a repository
   * need not be able to read it: then it comes from its source once more.
   */
  #fromHolder(blob: ImageBlob): ImageBlob {
    const { descriptor } = blob;
    const holder = this.#holders.get(descriptor.digest);
    if (holder === undefined) return blob;
    const atSource = blob.open.from;
    const atHolder = holder.fetchFrom?.bind(holder, descriptor);
    const from =
      atHolder &&
      ((start: number, call: Call) =>
        eitherOf(() => atHolder(start, call), atSource && (() => atSource(start, call)), call));
    const fetch = (call: Call) =>
      eitherOf(
        () => holder.fetch(descriptor, call),
        () => blob.open(call),
        call,
      );
    const open: OpenContent = Object.assign(fetch, { from });
    return { descriptor, open, mountFrom: holder.mountOrigin };
  }
}

/** The first, or where that is refused or gone the second; the first one's failure where both fail. */
async function eitherOf<T>(
  first: () => Promise<T>,
  second: (() => Promise<T>) | undefined,
  call: Call,
): Promise<T> {
  return first().catch((error: unknown) => {
    call.signal.throwIfAborted();
    const isElsewhere = error instanceof ComposeImageError && refusals.includes(error.code);
    if (second === undefined || !isElsewhere) throw error;
    return second().catch(() => {
      call.signal.throwIfAborted();
      throw error;
    });
  });
}

const refusals: readonly ErrorCode[] = ["BLOB_NOT_FOUND", "UNAUTHORIZED", "DENIED"];
