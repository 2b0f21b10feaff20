import type { Call } from "../io/call.ts";
import type { Content, OpenContent } from "../io/content.ts";
import { fanOut } from "../io/fan-out.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { canMount, type ImageBlob, type PushTarget, uploadable } from "./push-image.ts";

/**
 * Base layers that some target has to be sent: when such a layer is read for what the base holds, it goes to those
 * targets in the same reading.
 */
export class BaseStream {
  readonly #waiting = new Map<
    string,
    { readonly blob: ImageBlob; readonly targets: readonly PushTarget[] }
  >();

  constructor(baseLayers: readonly ImageBlob[], targets: readonly PushTarget[]) {
    for (const blob of uploadable(baseLayers)) {
      const { digest } = blob.descriptor;
      const lacking = targets.filter(
        ({ target, held }) => held.get(digest) !== true && !canMount(blob, target),
      );
      if (lacking.length > 0) this.#waiting.set(digest, { blob, targets: lacking });
    }
  }

  /** Whether reading the base sends anything. */
  get sends(): boolean {
    return this.#waiting.size > 0;
  }

  /** Opens a base layer for reading; what is read to its end has been sent where it was lacking. */
  async open({ digest }: Descriptor, fetch: OpenContent, call: Call): Promise<Content> {
    const waiting = this.#waiting.get(digest);
    const content = await fetch(call);
    return waiting === undefined ? content : this.#sending(content, waiting, fetch, call);
  }

  async *#sending(
    content: Content,
    { blob, targets }: { readonly blob: ImageBlob; readonly targets: readonly PushTarget[] },
    fetch: OpenContent,
    call: Call,
  ): AsyncGenerator<Uint8Array> {
    const { descriptor } = blob;
    const sinks = targets.map(({ target }) => (branch: Content) => {
      let isFirst = true;
      const open: OpenContent = (inner) => {
        const again = isFirst ? Promise.resolve(branch) : fetch(inner);
        isFirst = false;
        return again;
      };
      return target.push(descriptor, open, call);
    });
    yield* fanOut(content, sinks);
    for (const { sent } of targets) sent.add(descriptor.digest);
    this.#waiting.delete(descriptor.digest);
  }
}
