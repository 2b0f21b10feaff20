import type { Call } from "../io/call.ts";
import type { TransferListener } from "../io/transfer.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Source, StoredManifest } from "../store/source.ts";
import type { Target } from "../store/target.ts";
import { ForecastTarget } from "./copy-forecast.ts";

/** Moves the tags of one target, and tells of it when they have moved: in an archive all at the end. */
export class TagMoves {
  readonly #target: Target;
  readonly #onTransfer: TransferListener;
  readonly #untold: (() => void)[] = [];

  constructor(target: Target, onTransfer: TransferListener) {
    this.#target = target;
    this.#onTransfer = onTransfer;
  }

  /** Makes the tag name what the source has under the digest. The descriptor's annotations are told to the target. */
  async move(descriptor: Descriptor, tag: string, source: Source, call: Call): Promise<void> {
    const target = this.#target;
    if (target instanceof ForecastTarget) return;
    await target.tag(await describedBy(descriptor, source, call), tag, call);
    const tell = (): void => this.#onTransfer({ kind: "tagged", store: target.name, descriptor, tag });
    if (target.commit === undefined) tell();
    else this.#untold.push(tell);
  }

  /** Makes what has no tag be found, where that takes something. */
  async keep(descriptor: Descriptor, source: Source, call: Call): Promise<void> {
    const target = this.#target;
    if (target.keep === undefined) return;
    await target.keep(await describedBy(descriptor, source, call), call);
  }

  /** The same, unless the tag names that already. */
  async moveOnce(descriptor: Descriptor, tag: string, source: Source, call: Call): Promise<void> {
    if ((await this.#target.find(tag, call))?.digest === descriptor.digest) return;
    await this.move(descriptor, tag, source, call);
  }

  /** Tells of what has moved with the target's commit. */
  announce(): void {
    for (const tell of this.#untold.splice(0)) tell();
  }
}

async function describedBy(
  { digest, annotations }: Descriptor,
  source: Source,
  call: Call,
): Promise<StoredManifest> {
  const { bytes, descriptor } = await source.manifest({ digest }, call);
  return { bytes, descriptor: { ...descriptor, ...(annotations !== undefined && { annotations }) } };
}
