import type { ByteString } from "../tar/byte-string.ts";
import type { TarMember } from "../tar/member.ts";
import type { Interest } from "./interest.ts";
import type { IndexedEntry, LayerIndex } from "./layer-index.ts";
import { cleanPath, type ImagePath, isWithin, parentOf, resolveLexically } from "./path.ts";
import { parseWhiteout } from "./whiteout.ts";

/** What to do with the body of a member just offered. */
export type BodyDecision = "skip" | "stage" | "stage-if-visible";

/** The eStargz format's own entries; they are in the tar but not of the image. */
const eStargzEntries: ReadonlySet<string> = new Set([
  "stargz.index.json",
  ".prefetch.landmark",
  ".no.prefetch.landmark",
]);

/** Makes a {@link LayerIndex} out of a layer's members, offered one after the other. */
export class LayerScan {
  readonly #interest: Interest;
  readonly #subject: string;
  readonly #entries: IndexedEntry[] = [];
  readonly #aufsEntries: IndexedEntry[] = [];
  readonly #whiteouts = new Set<ImagePath>();
  readonly #opaques = new Set<ImagePath>();
  readonly #aliases = new Set<ImagePath>();
  readonly #unlistedParents = new Set<ImagePath>();
  /** The directory entry met last: most entries lie in it, or in one of its parents. */
  #listed = "" as ImagePath;

  /** @param subject the layer, for messages. */
  constructor(interest: Interest, subject: string) {
    this.#interest = interest;
    this.#subject = subject;
  }

  /**
   * Takes note of a member, and says whether its body is wanted: `stage-if-visible` leaves the last word to the layers
   * above.
   *
   * @throws ComposeImageError `PATH_ESCAPES`, `LAYER_INVALID`
   */
  offer(member: TarMember): BodyDecision {
    const { header, offset } = member;
    const cleaned = cleanPath(header.path, this.#subject);
    const { kind, path } = parseWhiteout(cleaned, this.#subject);
    const interest = this.#interest;
    const isKnown = interest.knows(path);
    switch (kind) {
      case "whiteout":
        if (isKnown) this.#whiteouts.add(path);
        return "skip";
      case "opaque":
        if (isKnown) this.#opaques.add(path);
        return "skip";
      case "aufs":
        if (!isKnown) return "skip";
        this.#aufsEntries.push({ path, header, offset });
        return header.type === "file" && interest.paths.has(path) ? "stage" : "skip";
      case "entry":
        break;
    }
    this.#noteParent(path);
    if (header.type === "directory") this.#listed = path;
    if (!isKnown) {
      if (header.type === "symlink" && this.#touchesInterest(path, header.linkname)) this.#aliases.add(path);
      return "skip";
    }
    if (eStargzEntries.has(path)) return "skip";
    this.#entries.push({ path, header, offset });
    if (header.type !== "file" || header.size === 0) return "skip";
    if (interest.paths.has(path)) return "stage";
    return interest.hasInSubtree(path) ? "stage-if-visible" : "skip";
  }

  /** What was seen. */
  finish(): LayerIndex {
    return {
      interest: this.#interest,
      entries: this.#entries,
      aufsEntries: this.#aufsEntries,
      whiteouts: this.#whiteouts,
      opaques: this.#opaques,
      aliases: this.#aliases,
      unlistedParents: this.#unlistedParents,
    };
  }

  #noteParent(path: ImagePath): void {
    const parent = parentOf(path);
    if (!isWithin(this.#listed, parent)) this.#unlistedParents.add(parent);
  }

  #touchesInterest(link: ImagePath, target: ByteString): boolean {
    return this.#interest.touches(resolveLexically(parentOf(link), target));
  }
}
