import type { OpenContent } from "../io/content.ts";
import type { Extent } from "../io/spool.ts";
import type { Descriptor } from "../model/descriptor.ts";

/** One distinct layer, however many images and positions it appears at. */
export interface LayerBlob {
  readonly descriptor: Descriptor;
  /** For messages: `builder layer 3 of registry.example/app:1`. */
  readonly name: string;
  /** The compressed bytes, verified at their end. */
  readonly open: OpenContent;
  /** Bodies put aside so far, by the offset of the file's header. */
  readonly bodies: Map<number, Extent>;
}
