import fc from "fast-check";
import { type ByteString, bytesOfText } from "../../src/tar/byte-string.ts";
import type { EntryType } from "../../src/tar/entry.ts";
import type { CaseEntry } from "../layers/support/case-entry.ts";
import { StackSketch } from "./stack-sketch.ts";

/** How a layer's blob is packed. */
export type Packing = "gzip" | "zstd" | "plain";

/** A layer: its entries in order. */
export interface RandomLayer {
  readonly entries: readonly CaseEntry[];
  readonly packing: Packing;
}

/** An image's layers, bottom to top. */
export type RandomStack = readonly RandomLayer[];

/** What {@link randomStack} may make. */
export interface StackOptions {
  readonly packings: readonly Packing[];
  readonly mostLayers: number;
  /**
   * Whether layers may hold what tools are known to apply in different ways: markers after entries or beside what they
   * hide, a path twice, entries by way of symlinks or below what was no directory. Without, every tool makes the same
   * files of them.
   */
  readonly isWild: boolean;
}

/** An entry before it is known what the layers already hold: choices as numbers, so that they can shrink. */
interface Draft {
  readonly kind: EntryType | "whiteout" | "opaque";
  /** Where it goes: a new path, one that is there already, or a new name in a directory or symlink that is. */
  readonly where: "fresh" | "existing" | "inside";
  readonly names: readonly string[];
  /** Picks among what is there. */
  readonly pick: number;
  readonly spelling: (path: string) => string;
  readonly target: string;
  readonly content: string;
  readonly mode: number;
  readonly owner: readonly [uid: number, gid: number];
  readonly mtime: string;
  readonly xattrs: ReadonlyMap<ByteString, ByteString>;
  /** Whether it may lie below a file or a loop of symlinks. */
  readonly isOdd: boolean;
}

const long = "long-name-".repeat(12);
const name = weighted<string>([
  [8, "a"],
  [8, "b"],
  [6, "c"],
  [4, "d"],
  [1, ".a"],
  [1, "a b"],
  [1, bytesOfText("é")],
  [1, "\xff\xfe"],
  [1, long],
]);

const relativeTarget = fc
  .tuple(
    weighted([
      [6, ""],
      [2, "/"],
      [2, "../"],
      [1, "../../"],
      [1, "./"],
    ]),
    fc.array(name, { minLength: 1, maxLength: 2 }),
  )
  .map(([start, names]) => `${start}${names.join("/")}`);
const target = fc.oneof(
  { weight: 8, arbitrary: relativeTarget },
  { weight: 1, arbitrary: fc.constantFrom("..", ".", "/", "nowhere/at/all") },
);

const capability =
  "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" as ByteString;
const noXattrs: ReadonlyMap<ByteString, ByteString> = new Map();
const xattrs = weighted<ReadonlyMap<ByteString, ByteString>>([
  [12, noXattrs],
  [1, new Map([["user.a" as ByteString, "1" as ByteString]])],
  [1, new Map([["user.b" as ByteString, "\x00\xff=\n\x00" as ByteString]])],
  [1, new Map([["security.capability" as ByteString, capability]])],
]);

const draft: fc.Arbitrary<Draft> = fc.record({
  kind: weighted<Draft["kind"]>([
    [8, "file"],
    [8, "directory"],
    [3, "symlink"],
    [3, "hardlink"],
    [3, "whiteout"],
    [3, "opaque"],
    [1, "fifo"],
    [1, "character"],
    [1, "block"],
  ]),
  where: weighted<Draft["where"]>([
    [3, "fresh"],
    [3, "existing"],
    [4, "inside"],
  ]),
  names: fc.array(name, { minLength: 1, maxLength: 3 }),
  pick: fc.nat(999),
  spelling: weighted<Draft["spelling"]>([
    [9, (path) => path],
    [2, (path) => `./${path}`],
    [1, (path) => `/${path}`],
    [1, (path) => path.replaceAll("/", "//")],
    [1, (path) => `a/../${path}`],
    [1, (path) => path.replace(/\//, "/./")],
  ]),
  target,
  content: weighted([
    [6, "1"],
    [4, "2"],
    [2, ""],
    [1, "x".repeat(70_000)],
    [1, "\x00\xff".repeat(300)],
  ]),
  mode: weighted([
    [4, 0o755],
    [3, 0o644],
    [1, 0o700],
    [1, 0o4755],
    [1, 0o2755],
    [1, 0o1777],
    [1, 0o000],
  ]),
  owner: weighted<Draft["owner"]>([
    [5, [0, 0]],
    [2, [1001, 0]],
    [1, [55, 66]],
    [1, [3_000_000_000, 2_097_152]],
  ]),
  mtime: weighted([
    [4, "1000"],
    [3, "2000"],
    [1, "0"],
    [1, "1731000000.123456789"],
    [1, "1731000000.5"],
    [1, "-86400"],
  ]),
  xattrs,
  isOdd: weighted([
    [30, false],
    [1, true],
  ]),
});

/** Layers that collide often: few names, shallow paths, markers and links to what is there. */
export function randomStack(options: StackOptions): fc.Arbitrary<RandomStack> {
  const layer = fc.record({
    drafts: fc.array(draft, { minLength: options.isWild ? 0 : 4, maxLength: 9, size: "max" }),
    packing: fc.constantFrom(...options.packings),
  });
  return fc
    .array(layer, { minLength: 1, maxLength: options.mostLayers, size: "max" })
    .map((layers) => stackOf(layers, options.isWild));
}

function stackOf(
  layers: readonly { readonly drafts: readonly Draft[]; readonly packing: Packing }[],
  isWild: boolean,
): RandomStack {
  const sketch = new StackSketch();
  return layers.map(({ drafts, packing }) => {
    sketch.beginLayer();
    const isMarker = ({ kind }: Draft) => kind === "whiteout" || kind === "opaque";
    const ordered = isWild
      ? drafts
      : [...drafts.filter(isMarker), ...drafts.filter((each) => !isMarker(each))];
    return { entries: ordered.flatMap((each) => entriesOf(each, sketch, isWild)), packing };
  });
}

/** The entry a draft makes of what is there; none where it fits nothing. */
function entriesOf(each: Draft, sketch: StackSketch, isWild: boolean): CaseEntry[] {
  const path = pathOf(each, sketch);
  const { kind } = each;
  if (!isWild && !sketch.isPlain(path, kind)) return [];
  if (!sketch.keepsMarkers(path, kind) || (!each.isOdd && !sketch.liesInDirectories(path))) return [];
  const slash = path.lastIndexOf("/") + 1;
  switch (kind) {
    case "whiteout":
      if (!sketch.mayHide(path)) return [];
      sketch.whiteOut(path);
      return [entryOf(each, "file", `${path.slice(0, slash)}.wh.${path.slice(slash)}`, { content: "" })];
    case "opaque": {
      const directories = sketch.directories("lower");
      const directory = directories[each.pick % Math.max(1, directories.length)];
      if (directory === undefined || !sketch.mayHide(directory)) return [];
      // containers/storage refuses a layer with a path twice.
      if (!isWild && sketch.isOpaque(directory)) return [];
      sketch.makeOpaque(directory);
      return [entryOf(each, "file", `${directory}/.wh..wh..opq`, { content: "" })];
    }
    case "hardlink": {
      const targets = sketch.linkTargets(path);
      const chosen = targets[each.pick % Math.max(1, targets.length)];
      if (chosen === undefined) return [];
      const { entry } = chosen;
      sketch.link(path, chosen.path, entry);
      const { mode, uid, gid, mtime } = entry.header;
      const linkname = each.spelling(chosen.path) as ByteString;
      return [entryOf(each, kind, path, { mode, uid, gid, mtime, linkname, xattrs: noXattrs })];
    }
    default: {
      // Tools that copy what they unpacked mangle targets that are not UTF-8.
      if (!isWild && kind === "symlink" && each.target.includes("\xff")) return [];
      const entry = entryOf(each, kind, path, kind === "symlink" ? { mode: 0o777 } : {});
      sketch.add(path, entry);
      return [entry];
    }
  }
}

function pathOf({ where, names, pick }: Draft, sketch: StackSketch): string {
  const fresh = names.join("/");
  if (where === "fresh") return fresh;
  const known = where === "existing" ? sketch.paths() : sketch.directories("any");
  const found = known[pick % Math.max(1, known.length)];
  if (found === undefined || found === "") return fresh;
  const path = where === "existing" ? found : `${found}/${names[0] ?? "a"}`;
  return path.split("/").length > 4 ? fresh : path;
}

function entryOf(
  each: Draft,
  type: EntryType,
  path: string,
  more: {
    readonly content?: string;
    readonly linkname?: ByteString;
    readonly mode?: number;
    readonly uid?: number;
    readonly gid?: number;
    readonly mtime?: string;
    readonly xattrs?: ReadonlyMap<ByteString, ByteString>;
  },
): CaseEntry {
  const [uid, gid] = each.owner;
  const content = type === "file" ? (more.content ?? each.content) : "";
  const isDevice = type === "character" || type === "block";
  return {
    content,
    header: {
      path: each.spelling(path) as ByteString,
      type,
      mode: more.mode ?? each.mode,
      uid: more.uid ?? uid,
      gid: more.gid ?? gid,
      size: content.length,
      mtime: more.mtime ?? each.mtime,
      linkname: more.linkname ?? ((type === "symlink" ? each.target : "") as ByteString),
      devmajor: isDevice ? 7 : 0,
      devminor: isDevice ? each.pick : 0,
      xattrs: allowedXattrs(type, more.xattrs ?? each.xattrs),
    },
  };
}

/** Linux has `user.*` on files and directories only, and capabilities on files. */
function allowedXattrs(
  type: EntryType,
  wanted: ReadonlyMap<ByteString, ByteString>,
): ReadonlyMap<ByteString, ByteString> {
  if (type === "file") return wanted;
  return type === "directory" && !wanted.has("security.capability" as ByteString) ? wanted : noXattrs;
}

/** One of some values, each as often as its weight says; smaller counterexamples have earlier ones. */
export function weighted<T>(choices: readonly (readonly [weight: number, value: T])[]): fc.Arbitrary<T> {
  return fc.oneof(...choices.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));
}
