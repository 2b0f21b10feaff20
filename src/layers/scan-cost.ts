import { ComposeImageError } from "../model/errors.ts";
import type { TarHeader } from "../tar/entry.ts";
import { componentsOf, type ImagePath } from "./path.ts";

/**
 * Most bytes of memory, estimated from above, that what is kept of an image's layers may take: some three million files
 * with short names. Headers pack a thousand to one, so that without a limit a small blob could take all there is.
 */
const maxCost = 768 * 1024 * 1024;

const noteCost = 100;
const entryCost = 256;
const xattrCost = 64;
/** A directory that no entry describes is made for each component of a path. */
const impliedDirectoryCost = 400;

/** Adds up what a scan keeps. */
export class ScanCost {
  readonly #subject: string;
  #bytes = 0;
  #lastParent: readonly string[] = [];

  /** @param subject the layer, for messages. */
  constructor(subject: string) {
    this.#subject = subject;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @throws ComposeImageError `LIMIT_EXCEEDED` from here on. */
  addEntry({ path, linkname, mtime, xattrs }: TarHeader): void {
    let cost = entryCost + path.length + linkname.length + mtime.length;
    for (const [name, value] of xattrs) cost += xattrCost + name.length + value.length;
    this.#add(cost);
  }

  /** A path that is kept by itself. */
  addNote(path: ImagePath): void {
    this.#add(noteCost + path.length);
  }

  /** A directory that has no entry, and perhaps none above it has. */
  addUnlisted(directory: ImagePath): void {
    const components = componentsOf(directory);
    const differs = components.findIndex((component, i) => component !== this.#lastParent[i]);
    const made = differs < 0 ? 0 : components.length - differs;
    this.#lastParent = components;
    this.#add(noteCost + directory.length + made * impliedDirectoryCost);
  }

  #add(cost: number): void {
    this.#bytes += cost;
    expectAffordable(this.#bytes, this.#subject);
  }
}

/**
 * @param subject a layer or an image, for the message.
 * @throws ComposeImageError `LIMIT_EXCEEDED` when keeping so much is too much.
 */
export function expectAffordable(bytes: number, subject: string): void {
  if (bytes <= maxCost) return;
  throw new ComposeImageError(
    "LIMIT_EXCEEDED",
    `${subject}: names and attributes of the files to look at take more than ${maxCost / 2 ** 20} MiB of memory`,
    { hint: "Copy fewer files at a time. If they are not that many, the image is damaged or hostile." },
  );
}
