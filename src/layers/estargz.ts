import type { Content } from "../io/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { TarHeader } from "../tar/entry.ts";
import type { ImagePath } from "./path.ts";

/*
 * An eStargz layer is a gzip tar with a table of contents that tells where each file's bytes begin. The table, and marks
 * of what to fetch first, are entries of the tar; they are the format's and not of the image. A plain layer may have
 * files of the same names: those are the image's.
 */

const landmarks: ReadonlySet<string> = new Set([".prefetch.landmark", ".no.prefetch.landmark"]);

/** The names that the format's own entries have at the root. */
const ownEntries: ReadonlySet<string> = new Set(["stargz.index.json", ...landmarks]);

/** Whether the format has an entry of its own at the path. */
export function isEStargzName(path: ImagePath): boolean {
  return ownEntries.has(path);
}

/**
 * Whether the entry is a landmark: a file of one byte. Who packs an eStargz layer again, as skopeo does when it converts
 * an image, takes away what else tells such a layer, but leaves these in.
 */
export function isLandmark(path: ImagePath, { type, size }: Pick<TarHeader, "type" | "size">): boolean {
  return landmarks.has(path) && type === "file" && size === 1;
}

/**
 * Whether the manifest says that the layer is eStargz.
 *
 * @see https://github.com/containerd/stargz-snapshotter/blob/v0.16.3/docs/estargz.md
 */
export function isDeclaredEStargz({ annotations }: Descriptor): boolean {
  return annotations?.["containerd.io/snapshot/stargz/toc.digest"] !== undefined;
}

/** Bytes of the footer, and of the one that it had at first. */
const footerLengths = [51, 47];

/** Keeps the last bytes of a packed layer that passes, to look for the footer of eStargz there. */
export class FooterWatch {
  #tail = Buffer.alloc(0);

  async *watch(content: Content): AsyncGenerator<Uint8Array> {
    for await (const chunk of content) {
      const tail = chunk.subarray(-longestFooter);
      this.#tail = Buffer.concat([this.#tail, tail]).subarray(-longestFooter);
      yield chunk;
    }
  }

  /** Whether what has passed ends in a footer: an empty gzip member that says where the table of contents is. */
  get hasSeenFooter(): boolean {
    return footerLengths.some((length) => {
      const footer = this.#tail.subarray(-length).toString("latin1");
      return footer.length === length && isFooter(footer);
    });
  }
}

const longestFooter = Math.max(...footerLengths);

/** A gzip header of ten bytes says that an extra field comes; its length follows, in the later form also its name. */
const gzipHead = "\x1f\x8b\x08\x04";
const gzipHeadLength = 10;
const fieldHeads = ["\x1a\0SG\x16\0", "\x16\0"];
const tableOffset = /^[0-9a-f]{16}STARGZ/;

function isFooter(footer: string): boolean {
  const field = footer.slice(gzipHeadLength);
  return (
    footer.startsWith(gzipHead) &&
    fieldHeads.some((head) => field.startsWith(head) && tableOffset.test(field.slice(head.length)))
  );
}
