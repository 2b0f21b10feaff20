import { ComposeImageError } from "../model/errors.ts";
import type { ByteString } from "../tar/byte-string.ts";
import type { MemberHead } from "../tar/member.ts";
import { AttributesPool } from "./attributes-pool.ts";
import { EntryList } from "./entry-list.ts";
import { isDeclaredEStargz, isEStargzName, isLandmark } from "./estargz.ts";
import type { FileNode, LayerPlace } from "./file-node.ts";
import type { Interest } from "./interest.ts";
import type { LayerIndex } from "./layer-index.ts";
import {
  childPath,
  cleanPath,
  displayPath,
  expectLinkLength,
  type ImagePath,
  isWithin,
  parentOf,
  resolveLexically,
  rootPath,
} from "./path.ts";
import { ScanCost } from "./scan-cost.ts";
import { parseWhiteout } from "./whiteout.ts";

/**
 * What to do with the body of a member just offered. A path means: stage it if a file at that path is wanted and shows
 * through the layers above.
 */
export type BodyDecision = "skip" | "stage" | { readonly ifVisibleAt: ImagePath };

/** Largest file that is copied, in bytes (1 TiB): what a sparse file claims to be costs its archive nothing. */
const maxFileSize = 2 ** 40;

/** A single path's file is put aside before it is known to be needed, unless it has more bytes than this. */
const stagedUnasked = 64 * 1024 * 1024;

/** So many directory entries are remembered; an entry that comes later than that costs time, not correctness. */
const mostListed = 1024;

/** Makes a {@link LayerIndex} out of a layer's members, offered one after the other. */
export class LayerScan {
  readonly #interest: Interest;
  readonly #place: LayerPlace;
  readonly #pool = new AttributesPool();
  readonly #cost: ScanCost;
  readonly #entries = new EntryList();
  #root: LayerIndex["root"];
  readonly #aufsFiles = new Map<ImagePath, FileNode>();
  readonly #whiteouts = new Set<ImagePath>();
  readonly #opaques = new Set<ImagePath>();
  readonly #aliases = new Set<ImagePath>();
  readonly #unlistedParents = new Set<ImagePath>();
  readonly #impliedDirectories = new Set<ImagePath>();
  /** Whether the layer is known to be eStargz; often only from some entry on. */
  #isEStargz: boolean;
  /** Whether entries were taken that are not the image's if it is. */
  #hasEStargzNames = false;
  /** The unlisted parent for which the directories above were noted last. */
  #implied = "" as ImagePath;
  /** The directory entry met last: most entries lie in it, or in one of its parents. */
  #listed = "" as ImagePath;
  /** Those met before it, the latest last: where `a-b` is sorted before `a/b`, entries of `a` come later than it. */
  readonly #recentlyListed = new Set<ImagePath>();

  constructor(interest: Interest, place: LayerPlace) {
    this.#interest = interest;
    this.#place = place;
    this.#cost = new ScanCost(place.blob.name);
    this.#isEStargz = isDeclaredEStargz(place.blob.descriptor);
  }

  /**
   * Takes note of a member, and says whether its body is wanted.
   *
   * @throws ComposeImageError `PATH_ESCAPES`, `LAYER_INVALID`, `LIMIT_EXCEEDED`
   */
  offer(member: MemberHead): BodyDecision {
    const { header } = member;
    const subject = this.#place.blob.name;
    const { kind, path } = parseWhiteout(cleanPath(header.path, subject), subject);
    expectLinkLength(header.linkname, path, subject);
    const interest = this.#interest;
    const isKnown = interest.knows(path);
    switch (kind) {
      case "whiteout":
        this.#noteParent(parentOf(path));
        if (isKnown) this.#note(this.#whiteouts, path);
        return "skip";
      case "opaque":
        this.#noteParent(path);
        if (isKnown) this.#note(this.#opaques, path);
        return "skip";
      case "aufs":
        if (!isKnown) return "skip";
        this.#aufsFiles.set(path, this.#fileOf(member));
        return header.size > 0 && header.size <= stagedUnasked && interest.paths.has(path) ? "stage" : "skip";
      case "entry":
        break;
    }
    if (isEStargzName(path)) {
      this.#isEStargz ||= isLandmark(path, header);
      if (this.#isEStargz) return "skip";
      this.#hasEStargzNames = true;
    }
    this.#noteParent(parentOf(path));
    if (header.type === "directory") this.#noteDirectory(path);
    else if (header.type === "symlink") this.#recentlyListed.delete(path);
    if (!isKnown) {
      this.#noteImplied(parentOf(path));
      if (header.type === "symlink" && this.#touchesInterest(path, header.linkname))
        this.#note(this.#aliases, path);
      return "skip";
    }
    if (path === "") {
      if (header.type === "directory")
        this.#root = { attributes: this.#pool.attributesOf(header), mtime: header.mtime };
      return "skip";
    }
    this.#entries.add(path, this.#fileOf(member));
    if (header.size === 0) return "skip";
    if (interest.paths.has(path)) return header.size <= stagedUnasked ? "stage" : "skip";
    return interest.hasInSubtree(path) ? { ifVisibleAt: path } : "skip";
  }

  /**
   * What was seen.
   *
   * @param hasFooter whether the layer turned out to be eStargz by its last bytes.
   */
  finish(hasFooter = false): LayerIndex {
    const isEStargz = this.#isEStargz || hasFooter;
    return {
      interest: this.#interest,
      entries: isEStargz && this.#hasEStargzNames ? withoutEStargz(this.#entries) : this.#entries,
      root: this.#root,
      aufsFiles: this.#aufsFiles,
      whiteouts: this.#whiteouts,
      opaques: this.#opaques,
      aliases: this.#aliases,
      unlistedParents: this.#unlistedParents,
      cost: this.#cost.bytes,
      impliedDirectories: this.#impliedDirectories,
    };
  }

  #fileOf({ header, offset }: MemberHead): FileNode {
    if (header.size > maxFileSize) {
      throw new ComposeImageError(
        "LIMIT_EXCEEDED",
        `${this.#place.blob.name}: ${displayPath(header.path)} has ${header.size} bytes; the limit is ${maxFileSize}`,
        { hint: "No layer could hold it; this one is damaged or hostile." },
      );
    }
    this.#cost.addEntry(header);
    return {
      attributes: this.#pool.attributesOf(header),
      mtime: header.mtime,
      size: header.size,
      origin: this.#place,
      offset,
    };
  }

  #noteParent(parent: ImagePath): void {
    if (isWithin(this.#listed, parent) || this.#recentlyListed.has(parent)) return;
    if (this.#unlistedParents.has(parent)) return;
    this.#cost.addUnlisted(parent);
    this.#unlistedParents.add(parent);
  }

  #note(paths: Set<ImagePath>, path: ImagePath): void {
    this.#cost.addNote(path);
    paths.add(path);
  }

  /** An entry's directories are there, whether or not anything describes them: the lowest that is of interest says so. */
  #noteImplied(parent: ImagePath): void {
    if (parent === this.#implied || !this.#unlistedParents.has(parent)) return;
    this.#implied = parent;
    const lowest = this.#interest.lowestKnown(parent);
    if (lowest !== rootPath) this.#impliedDirectories.add(lowest);
  }

  #noteDirectory(path: ImagePath): void {
    this.#listed = path;
    const recent = this.#recentlyListed;
    recent.add(path);
    if (recent.size <= mostListed) return;
    for (const oldest of recent) {
      recent.delete(oldest);
      break;
    }
  }

  #touchesInterest(link: ImagePath, target: ByteString): boolean {
    return this.#interest.knows(resolveLexically(parentOf(link), target));
  }
}

function withoutEStargz(entries: EntryList): EntryList {
  const kept = new EntryList();
  for (const [directory, name, file] of entries) {
    const path = childPath(directory, name);
    if (!isEStargzName(path)) kept.add(path, file);
  }
  return kept;
}
