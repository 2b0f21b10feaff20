import type { Call } from "../io/call.ts";
import type { Content } from "../io/content.ts";
import type { Spool } from "../io/spool.ts";
import { readAccountFiles } from "../layers/account-files.ts";
import type { FileNode } from "../layers/file-node.ts";
import { outlineOf } from "../layers/layer-outline.ts";
import { layerEntries, layerTar } from "../layers/layer-tar.ts";
import type { OutputTree } from "../layers/output-tree.ts";
import { type AccountFiles, needsAccountFiles, resolveOwner } from "../layers/owner.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { ComposePlan, Stage } from "../plan/compose-plan.ts";
import { checkUser } from "./check-user.ts";
import type { ExpandedStage } from "./expand-stage.ts";
import { expectNoArchives } from "./expect-no-archives.ts";
import type { LayerGround } from "./layer-ground.ts";
import { needsAccounts, openViews, type ViewsContext } from "./open-views.ts";
import { noAccounts, StageMaker } from "./stage-files.ts";
import { type BuiltLayer, stageLayer } from "./stage-layer.ts";

/** What {@link buildLayer} works with. */
export interface BuildLayerContext extends ViewsContext {
  readonly plan: ComposePlan;
  /** Most blocks compressed at once. */
  readonly jobs: number;
  /** Takes the finished layer; lives as long as that is needed. */
  readonly layerSpool: Spool;
}

/** The new layer, and what it has from the base; nothing where that was left out of account. */
export interface GroundedLayer extends BuiltLayer {
  readonly ground: LayerGround | undefined;
}

/**
 * Reads what the copy steps want out of the builders' layers and of directories, and makes one layer of it. With
 * others that share the reading it waits until all have read: what was put aside is not to be read while it grows.
 *
 * @throws ComposeImageError as reading layers and copying do; `DISK_FULL`, `LOCAL_IO` for the temporary file.
 */
export async function buildLayer(context: BuildLayerContext, call: Call): Promise<GroundedLayer> {
  const { plan, stage, stages, base, jobs, reading, layerSpool } = context;
  const { reader, bodies } = reading;
  const opened = openViews(context);
  const { sourceViews, stageViews, baseView } = opened;
  const below = [...sourceViews.values(), ...stageViews.values()];
  const views = [...below, ...(baseView === undefined ? [] : [baseView])];
  const early = context.baseStream.sends ? below : views;
  const stageAccounts = new Map<Stage, AccountFiles>();
  for (const [each, view] of stageViews) {
    const expanded = stages.get(each)?.expanded;
    if (expanded === undefined || !needsAccounts(expanded)) continue;
    stageAccounts.set(each, await readAccountFiles(view, early, reader, bodies, call));
  }
  const maker = (): StageMaker => new StageMaker(opened, stages, stageAccounts, plan.sourceDateEpoch);
  if (context.baseStream.sends) await reader.ask(below, () => maker().findAllSources(stage), call);
  const accounts =
    baseView !== undefined && needsAccounts(stage)
      ? await readAccountFiles(baseView, views, reader, bodies, call)
      : noAccounts;

  const baseName = base?.name ?? "scratch";
  const { output, added } = await reader.ask(
    views,
    () => {
      const last = maker();
      return { output: last.make(stage, { baseName, base: baseView?.tree(), accounts }), added: last.added };
    },
    call,
  );
  const { root } = output;
  await expectNoArchives(added);
  reading.release(views);
  if (base === undefined || baseView !== undefined)
    checkUser(stage.config, accounts, root, baseName, context.onWarning);
  await reader.stage(filesOf(root), call);
  await reader.leave(call);
  const readBody = ({ origin, offset, size, localFiles }: FileNode): Content | Uint8Array => {
    if (localFiles !== undefined) return localFiles.read(offset, size);
    const extent = origin?.blob.bodies.get(offset);
    if (extent === undefined)
      throw new ComposeImageError("INTERNAL", `${origin?.blob.name}: a body was not staged`);
    return bodies.readAtOnce(extent) ?? bodies.read(extent);
  };
  const tar = layerTar(root, plan.sourceDateEpoch, readBody);
  const layer = await stageLayer(tar, plan.compression, jobs, layerSpool, countEntries(root), call);
  return { ...layer, ground: baseView && groundOf(output, stage, accounts, baseName) };
}

function groundOf(
  output: OutputTree,
  { copies }: ExpandedStage,
  accounts: AccountFiles,
  baseName: string,
): LayerGround | undefined {
  const named = copies.flatMap(({ chown }) => (chown !== undefined && needsAccountFiles(chown) ? chown : []));
  if (named.length === 0 && copies.every(({ link }) => link)) return undefined;
  const outline = outlineOf(output.root, (path) => output.isShared(path));
  return outline && { outline, owners: named.map((owner) => resolveOwner(owner, accounts, baseName)) };
}

function* filesOf(root: FileNode): Generator<FileNode> {
  for (const { node } of layerEntries(root)) yield node;
}

function countEntries(root: FileNode): number {
  let count = 0;
  for (const _ of layerEntries(root)) count += 1;
  return count;
}
