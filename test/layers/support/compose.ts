import { unstoppable } from "../../../src/io/call.ts";
import { MemoryBudget } from "../../../src/io/memory-budget.ts";
import { Spool } from "../../../src/io/spool.ts";
import { copyInto } from "../../../src/layers/copy.ts";
import { ExcludePatterns } from "../../../src/layers/exclude.ts";
import { ImageView } from "../../../src/layers/image-view.ts";
import { Interest } from "../../../src/layers/interest.ts";
import type { LayerBlob } from "../../../src/layers/layer-blob.ts";
import { LayerReader } from "../../../src/layers/layer-reader.ts";
import { layerEntries, layerTar } from "../../../src/layers/layer-tar.ts";
import { OutputTree } from "../../../src/layers/output-tree.ts";
import { type Owner, resolveOwner } from "../../../src/layers/owner.ts";
import { resolveLexically, rootPath } from "../../../src/layers/path.ts";
import { literalPrefix } from "../../../src/layers/source-pattern.ts";
import { askAll } from "../../../src/layers/unknown-path.ts";
import { wantedBodies } from "../../../src/layers/wanted-bodies.ts";
import { parseOwner } from "../../../src/model/owner.ts";
import { bytesOfText, textOfBytes } from "../../../src/tar/byte-string.ts";
import type { TarHeader } from "../../../src/tar/entry.ts";
import { readAll } from "../../tar/craft.ts";
import type { EntrySpec } from "./entries.ts";
import { layersOf } from "./layer.ts";

/** A copy step as a test writes it. */
export interface Step {
  readonly src: string | readonly string[];
  readonly dst: string;
  /** As `--chown` takes it; numbers only. */
  readonly chown?: string;
  readonly chmod?: number;
  readonly exclude?: readonly string[];
  readonly link?: boolean;
}

/** What to compose. Layers are bottom to top. */
export interface Composition {
  readonly builder: readonly (readonly EntrySpec[])[] | readonly LayerBlob[];
  readonly base?: readonly (readonly EntrySpec[])[];
  readonly steps: readonly Step[];
  readonly epoch?: number;
  readonly jobs?: number;
}

/** What came of it. */
export interface ComposedLayer {
  readonly tar: Buffer;
  /** Entries in order, as text: `path` or what follows it. */
  readonly paths: readonly string[];
  /** By path without slash at the end: contents of files, `-> target` of symlinks, `= target` of hardlinks, else the type. */
  readonly files: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, TarHeader>>;
  readonly warnings: readonly string[];
  /** Bytes of bodies that were put aside. */
  readonly stagedBytes: number;
}

/** Composes in memory: all that lies between layers and the new layer's tar. */
export async function compose(composition: Composition): Promise<ComposedLayer> {
  const spool = new Spool(new MemoryBudget(64 * 1024 * 1024), "/nonexistent");
  try {
    return await composeBy(spool, composition);
  } finally {
    await spool[Symbol.asyncDispose]();
  }
}

async function composeBy(spool: Spool, composition: Composition): Promise<ComposedLayer> {
  const { builder, base, steps, epoch, jobs = 4 } = composition;
  const warnings: string[] = [];
  const onWarning = (message: string): void => void warnings.push(message);
  const reader = new LayerReader(spool, jobs);
  const sourcesOf = ({ src }: Step): readonly string[] => (typeof src === "string" ? [src] : src);
  const selections = steps.map((step) => ({
    sources: sourcesOf(step),
    exclude: new ExcludePatterns(step.exclude ?? []),
  }));
  const builderView = new ImageView(
    "builder image",
    toBlobs(builder),
    new Interest(steps.flatMap(sourcesOf).map(literalPrefix)),
    { wantsBody: wantedBodies(selections), onWarning },
  );
  const baseView =
    base === undefined
      ? undefined
      : new ImageView(
          "base image",
          layersOf(...base),
          new Interest(steps.map(({ dst }) => resolveLexically(rootPath, bytesOfText(dst)))),
          { wantsBody: () => false, onWarning },
        );
  const views = baseView === undefined ? [builderView] : [builderView, baseView];
  const root = await reader.ask(
    views,
    () => {
      const output = new OutputTree("base image");
      askAll(steps.entries(), ([i, step]) =>
        copyInto(output, {
          fromName: "builder image",
          from: builderView.tree(),
          sources: sourcesOf(step),
          destination: step.dst,
          owner: numericOwner(step.chown),
          mode: step.chmod,
          exclude: selections[i]?.exclude ?? new ExcludePatterns([]),
          base: step.link === true ? undefined : baseView?.tree(),
          madeMtime: String(epoch ?? 0),
        }),
      );
      return output.root;
    },
    unstoppable,
  );
  await reader.stage(
    [...layerEntries(root)].map(({ node }) => node),
    unstoppable,
  );
  const chunks: Buffer[] = [];
  const chunked = layerTar(root, epoch, ({ origin, offset }) => {
    const extent = origin?.blob.bodies.get(offset);
    if (extent === undefined) throw new Error("a body was not staged");
    return spool.readAtOnce(extent) ?? spool.read(extent);
  });
  for await (const chunk of chunked) chunks.push(Buffer.from(chunk));
  const tar = Buffer.concat(chunks);
  const read = await readAll(tar);
  const named = read.map(({ header, content }) => ({
    path: textOfBytes(header.path),
    name: textOfBytes(header.path).replace(/\/$/, ""),
    header,
    shown: shownAs(header, content),
  }));
  return {
    tar,
    paths: named.map(({ path }) => path),
    files: Object.fromEntries(named.map(({ name, shown }) => [name, shown])),
    headers: Object.fromEntries(named.map(({ name, header }) => [name, header])),
    warnings,
    stagedBytes: spool.size,
  };
}

function toBlobs(layers: Composition["builder"]): readonly LayerBlob[] {
  return layers.flatMap((layer, i) => {
    if ("open" in layer) return [layer];
    return layersOf(layer).map((blob) => ({ ...blob, name: `builder layer ${i + 1}` }));
  });
}

function numericOwner(text: string | undefined): Owner | undefined {
  if (text === undefined) return undefined;
  return resolveOwner(parseOwner(text), { passwd: "", group: "" }, "base image");
}

function shownAs({ type, linkname }: TarHeader, content: string): string {
  if (type === "file") return content;
  if (type === "symlink") return `-> ${textOfBytes(linkname)}`;
  if (type === "hardlink") return `= ${textOfBytes(linkname)}`;
  return type;
}

/** What a builder's directory looks like when its layers are merged: `path` copied to `/out` on scratch. */
export async function merged(
  layers: Composition["builder"],
  path = "/d",
): Promise<Readonly<Record<string, string>>> {
  const { files } = await compose({ builder: layers, steps: [{ src: path, dst: "/out" }] });
  return Object.fromEntries(
    Object.entries(files)
      .filter(([name]) => name !== "out")
      .map(([name, shown]) => [name.replace(/^out\//, ""), shown.replace(/^= out\//, "= ")]),
  );
}
