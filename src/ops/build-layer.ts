import { gzip } from "../codec/gzip-writer.ts";
import type { Call } from "../io/call.ts";
import { collect } from "../io/collect.ts";
import type { Content, OpenContent } from "../io/content.ts";
import type { MemoryBudget } from "../io/memory-budget.ts";
import { Spool } from "../io/spool.ts";
import { copyInto } from "../layers/copy.ts";
import { ExcludePatterns } from "../layers/exclude.ts";
import type { FileNode } from "../layers/file-node.ts";
import { ImageView } from "../layers/image-view.ts";
import { Interest } from "../layers/interest.ts";
import type { LayerBlob } from "../layers/layer-blob.ts";
import { LayerReader } from "../layers/layer-reader.ts";
import { layerEntries, layerTar } from "../layers/layer-tar.ts";
import type { MergedTree } from "../layers/merged-tree.ts";
import { OutputTree } from "../layers/output-tree.ts";
import { type AccountFiles, needsAccountFiles, resolveOwner } from "../layers/owner.ts";
import { type ImagePath, resolveLexically, rootPath } from "../layers/path.ts";
import { literalPrefix } from "../layers/source-pattern.ts";
import { type Digest, Digester } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { ComposePlan, CopyStep } from "../plan/compose-plan.ts";
import { bytesOfText } from "../tar/byte-string.ts";
import type { ResolvedImage } from "./resolve-image.ts";

/** The new layer, put aside until it is pushed. */
export interface BuiltLayer {
  readonly digest: Digest;
  /** Of the uncompressed tar. */
  readonly diffId: Digest;
  /** Compressed bytes. */
  readonly size: number;
  /** Bytes of the uncompressed tar. */
  readonly tarSize: number;
  /** Entries of the tar. */
  readonly entries: number;
  readonly open: OpenContent;
}

/** What {@link buildLayer} works with. */
export interface BuildLayerContext {
  readonly plan: ComposePlan;
  /** By the location that copy steps name. */
  readonly builders: ReadonlyMap<CopyStep["from"], ResolvedImage>;
  /** Absent for scratch. */
  readonly base: ResolvedImage | undefined;
  /** Absolute; what relative destinations are meant from. */
  readonly workingDirectory: string;
  readonly jobs: number;
  readonly budget: MemoryBudget;
  readonly temporaryDirectory: string;
  readonly onWarning: (message: string) => void;
  /** Takes the finished layer; lives as long as that is needed. */
  readonly layerSpool: Spool;
}

const passwdPath = bytesOfText("etc/passwd") as ImagePath;
const groupPath = bytesOfText("etc/group") as ImagePath;
const maxAccountFileSize = 16 * 1024 * 1024;

/**
 * Reads what the copy steps want out of the builders' layers and makes one layer of it.
 *
 * @throws ComposeImageError as reading layers and copying do; `DISK_FULL`, `LOCAL_IO` for the temporary file.
 */
export async function buildLayer(context: BuildLayerContext, call: Call): Promise<BuiltLayer> {
  const { plan, base, jobs, budget, temporaryDirectory, layerSpool } = context;
  const steps = plan.copies.map((step) => ({ ...step, excludePatterns: new ExcludePatterns(step.exclude) }));
  await using bodies = new Spool(budget, temporaryDirectory);
  const reader = new LayerReader(bodies, jobs);
  const { builderViews, baseView } = openViews(context);
  const views = [...builderViews.values(), ...(baseView === undefined ? [] : [baseView])];
  const accounts = await readAccountFiles(context, views, baseView, reader, bodies, call);

  const madeMtime = String(plan.sourceDateEpoch ?? 0);
  const baseName = base?.name ?? "scratch";
  const root = await reader.ask(
    views,
    () => {
      const output = new OutputTree(baseName);
      for (const step of steps) {
        const view = builderViews.get(step.from);
        if (view === undefined) throw new ComposeImageError("INTERNAL", "a copy step without its builder");
        copyInto(output, {
          fromName: view.name,
          from: view.tree(),
          sources: step.sources,
          destination: absolute(step.destination, context.workingDirectory),
          owner: step.chown && resolveOwner(step.chown, accounts, baseName),
          mode: step.chmod,
          exclude: step.excludePatterns,
          base: step.link ? undefined : baseView?.tree(),
          madeMtime,
        });
      }
      if (plan.config.workdir !== undefined && !plan.copies.every(({ link }) => link)) {
        addWorkingDirectory(output, context.workingDirectory, baseView?.tree(), madeMtime);
      }
      return output.root;
    },
    call,
  );
  await reader.stage(filesOf(root), call);
  const readBody = ({ layer, offset }: { layer: LayerBlob; offset: number }): Content => {
    const extent = layer.bodies.get(offset);
    if (extent === undefined) throw new ComposeImageError("INTERNAL", `${layer.name}: a body was not staged`);
    return bodies.read(extent);
  };
  const tar = layerTar(root, plan.sourceDateEpoch, readBody);
  return await stageLayer(tar, plan, jobs, layerSpool, countEntries(root), call);
}

async function stageLayer(
  tar: Content,
  { compression }: ComposePlan,
  jobs: number,
  spool: Spool,
  entries: number,
  call: Call,
): Promise<BuiltLayer> {
  const uncompressed = new Digester();
  const counted = digested(tar, uncompressed, call);
  const compressed = new Digester();
  const content =
    compression.algorithm === "gzip" ? gzip(counted, { level: compression.level, jobs }) : counted;
  const extent = await spool.append(digested(content, compressed, call));
  return {
    digest: compressed.digest(),
    diffId: uncompressed.digest(),
    size: extent.size,
    tarSize: uncompressed.size,
    entries,
    open: () => Promise.resolve(spool.read(extent)),
  };
}

async function* digested(content: Content, digester: Digester, call: Call): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) {
    call.signal.throwIfAborted();
    digester.update(chunk);
    yield chunk;
  }
}

/** The directory the container starts in, made in the new layer where neither base nor copies have it. */
function addWorkingDirectory(
  output: OutputTree,
  path: string,
  base: MergedTree | undefined,
  mtime: string,
): void {
  const cleaned = resolveLexically(rootPath, bytesOfText(path));
  if (base?.walk(cleaned, true, "base").node?.children !== undefined) return;
  output.directory(cleaned, base, { mtime });
}

function openViews(context: BuildLayerContext): {
  builderViews: Map<CopyStep["from"], ImageView>;
  baseView: ImageView | undefined;
} {
  const { plan, builders, base, workingDirectory, onWarning } = context;
  const blobs = new Map<Digest, LayerBlob>();
  const builderViews = new Map<CopyStep["from"], ImageView>();
  for (const [location, image] of builders) {
    const sources = plan.copies.filter(({ from }) => from === location).flatMap((step) => step.sources);
    const interest = new Interest(sources.map(literalPrefix));
    builderViews.set(
      location,
      new ImageView(image.name, layerBlobs(image, blobs), interest, { stagesBodies: true, onWarning }),
    );
  }
  const isBaseRead = base !== undefined && readsBase(plan);
  if (!isBaseRead) return { builderViews, baseView: undefined };
  const lookedAt = plan.copies.filter(({ link }) => !link);
  const destinations = lookedAt.map(({ destination }) =>
    resolveLexically(rootPath, bytesOfText(absolute(destination, workingDirectory))),
  );
  const paths = [
    ...(lookedAt.length > 0 ? [resolveLexically(rootPath, bytesOfText(workingDirectory))] : []),
    ...(namesOwners(plan) ? [passwdPath, groupPath] : []),
  ];
  const interest = new Interest(destinations, paths);
  const baseView = new ImageView(base.name, layerBlobs(base, blobs), interest, {
    stagesBodies: false,
    onWarning,
  });
  return { builderViews, baseView };
}

/** Whether composing needs to know what the base holds: not with `link` everywhere and owners by number. */
export function readsBase(plan: ComposePlan): boolean {
  return plan.copies.some(({ link }) => !link) || namesOwners(plan);
}

function namesOwners(plan: ComposePlan): boolean {
  return plan.copies.some(({ chown }) => chown !== undefined && needsAccountFiles(chown));
}

/** The layers of an image, one object for each distinct blob among all images. */
function layerBlobs(image: ResolvedImage, known: Map<Digest, LayerBlob>): LayerBlob[] {
  return image.manifest.layers.map((descriptor, i) => {
    const blob = known.get(descriptor.digest) ?? {
      descriptor,
      name: `${image.side} layer ${i + 1} of ${image.source.name}`,
      open: (call: Call) => image.source.fetch(descriptor, call),
      bodies: new Map(),
    };
    known.set(descriptor.digest, blob);
    return blob;
  });
}

async function readAccountFiles(
  { plan }: BuildLayerContext,
  views: readonly ImageView[],
  baseView: ImageView | undefined,
  reader: LayerReader,
  bodies: Spool,
  call: Call,
): Promise<AccountFiles> {
  if (baseView === undefined || !namesOwners(plan)) return { passwd: "", group: "" };
  const find = (path: ImagePath): FileNode | undefined =>
    baseView.tree().walk(path, true, baseView.name).node;
  const [passwd, group] = await reader.ask(views, () => [find(passwdPath), find(groupPath)], call);
  await reader.stage(
    [passwd, group].filter((node) => node !== undefined),
    call,
  );
  const textOf = async (node: FileNode | undefined): Promise<string> => {
    const extent = node?.body?.layer.bodies.get(node.body.offset);
    if (extent === undefined) return "";
    return (
      await collect(bodies.read(extent), maxAccountFileSize, `account file of ${baseView.name}`)
    ).toString("utf8");
  };
  return { passwd: await textOf(passwd), group: await textOf(group) };
}

function absolute(destination: string, workingDirectory: string): string {
  return destination.startsWith("/") ? destination : `${workingDirectory}/${destination}`;
}

function* filesOf(root: FileNode): Generator<FileNode> {
  for (const { node } of layerEntries(root)) yield node;
}

function countEntries(root: FileNode): number {
  let count = 0;
  for (const _ of layerEntries(root)) count += 1;
  return count;
}
