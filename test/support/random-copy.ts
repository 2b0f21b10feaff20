import fc from "fast-check";
import { parentOf, resolveLexically, rootPath } from "../../src/layers/path.ts";
import { textOfBytes } from "../../src/tar/byte-string.ts";
import type { CopyCase } from "./copy-case.ts";
import { type RandomStack, randomStack, weighted } from "./random-stack.ts";

/** A request made at random. */
export interface RandomCopy {
  readonly builder: RandomStack;
  readonly base: RandomStack;
  readonly request: CopyCase;
}

/** One `SRC:DST` before the images are known. */
interface CopyDraft {
  /** Picks among the builder's paths. */
  readonly pick: number;
  readonly source: (path: string) => string;
  readonly where: "new" | "of the base" | "below the base's" | "same";
  readonly place: number;
  readonly names: readonly string[];
  readonly slash: string;
}

const asItIs = (path: string): string => path;

const copyDraft: fc.Arbitrary<CopyDraft> = fc.record({
  pick: fc.nat(999),
  source: weighted<CopyDraft["source"]>([
    [10, asItIs],
    [2, (path) => `${path}/`],
    [2, (path) => path.replace(/[^/]+$/, "*")],
    [1, (path) => path.replace(/[^/]+$/, "[a-c]")],
    [1, (path) => path.replace(/[^/]+$/, "?")],
    [1, (path) => path.replace(/^\/[^/]+/, "/*")],
    [1, (path) => `${path}/missing`],
    [1, () => "/"],
  ]),
  where: weighted<CopyDraft["where"]>([
    [3, "new"],
    [3, "of the base"],
    [3, "below the base's"],
    [1, "same"],
  ]),
  place: fc.nat(999),
  names: fc.array(fc.constantFrom("a", "b", "c", "new"), { minLength: 1, maxLength: 2 }),
  slash: weighted([
    [3, ""],
    [2, "/"],
  ]),
});

/** Builder, base and one or two copies between them; what is copied, and where to, is mostly there. */
export function randomCopy(): fc.Arbitrary<RandomCopy> {
  const stack = { mostLayers: 3, isWild: false };
  return fc
    .record({
      builder: randomStack({ ...stack, packings: ["gzip", "plain", "zstd"] }),
      // What was composed keeps the base's layers, and umoci, which unpacks it, knows no zstd.
      base: randomStack({ ...stack, packings: ["gzip", "plain"] }),
      copies: fc.array(copyDraft, { minLength: 1, maxLength: 2 }),
      chown: weighted<string | undefined>([
        [5, undefined],
        [1, "55"],
        [1, "1001:7"],
      ]),
      chmod: weighted<string | undefined>([
        [6, undefined],
        [1, "0751"],
      ]),
    })
    .map(({ builder, base, copies, chown, chmod }) => {
      const directories = copies.map((draft) => directoryOf(draft, builder, base));
      return {
        builder,
        base,
        request: {
          name: "random",
          directories,
          ...(chown !== undefined && { chown }),
          ...(chmod !== undefined && { chmod }),
        },
      };
    });
}

function directoryOf(draft: CopyDraft, builder: RandomStack, base: RandomStack): string {
  const sources = pathsOf(builder, draft.pick % 8 > 0 ? "there" : "any");
  const places = pathsOf(base, draft.place % 8 > 0 ? "leads on" : "any");
  const path = sources[draft.pick % sources.length] ?? "/a";
  const there = places[draft.place % places.length] ?? "/a";
  const fresh = draft.names.join("/");
  const destinations = {
    new: `/${fresh}`,
    "of the base": there,
    "below the base's": `${there}/${fresh}`,
    same: path,
  };
  const destination = destinations[draft.where];
  const source = resolvedAlike(draft.source(path), builder) ? draft.source(path) : path;
  const slash = /[*?[]/.test(source) && draft.place % 8 > 0 ? "/" : draft.slash;
  return `${source}:${destination}${slash}`;
}

/**
 * Whether all tools find the same with a pattern: a wildcard in its midst goes through symlinks in buildah, and stays
 * what it is in BuildKit.
 */
function resolvedAlike(pattern: string, builder: RandomStack): boolean {
  if (!pattern.startsWith("/*/")) return true;
  return builder.every(({ entries }) =>
    entries.every(
      ({ header: { path, type } }) =>
        (type !== "symlink" && type !== "hardlink") ||
        parentOf(resolveLexically(rootPath, path)) !== rootPath,
    ),
  );
}

/**
 * The paths that layers name and that a Dockerfile can, some of them gone again: any, those but symlinks that lead to
 * nothing, or of those only directories and symlinks. (Buildah makes a directory of a dangling destination, even for a
 * file.)
 */
function pathsOf(stack: RandomStack, which: "any" | "there" | "leads on"): string[] {
  const all = stack.flatMap(({ entries }) => entries.map(({ header }) => header));
  const named = new Set(all.map(({ path }) => resolveLexically(rootPath, path)));
  const paths = all.flatMap(({ path, type, linkname }) => {
    const at = resolveLexically(rootPath, path);
    const isDangling = type === "symlink" && !named.has(resolveLexically(parentOf(at), linkname));
    const leadsOn = type === "symlink" || type === "directory";
    return which === "any" || (!isDangling && (which === "there" || leadsOn)) ? [`/${textOfBytes(at)}`] : [];
  });
  return [...new Set(paths)].filter((path) => !/\.wh\.|\ufffd/.test(path));
}
