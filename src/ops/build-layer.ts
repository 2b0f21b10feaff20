import type { Call } from "../io/call.ts";
import type { Content } from "../io/content.ts";
import type { MemoryBudget } from "../io/memory-budget.ts";
import { Spool } from "../io/spool.ts";
import { readAccountFiles } from "../layers/account-files.ts";
import { copyInto } from "../layers/copy.ts";
import { ExcludePatterns } from "../layers/exclude.ts";
import type { FileNode } from "../layers/file-node.ts";
import type { ImageView } from "../layers/image-view.ts";
import { LayerReader } from "../layers/layer-reader.ts";
import { layerEntries, layerTar } from "../layers/layer-tar.ts";
import type { MergedTree } from "../layers/merged-tree.ts";
import { OutputTree } from "../layers/output-tree.ts";
import { resolveOwner } from "../layers/owner.ts";
import { fromDirectory, resolveLexically, rootPath } from "../layers/path.ts";
import { findSources } from "../layers/source-pattern.ts";
import { askAll } from "../layers/unknown-path.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { ComposePlan, CopySource } from "../plan/compose-plan.ts";
import { bytesOfText } from "../tar/byte-string.ts";
import { checkUser } from "./check-user.ts";
import type { ExpandedStage } from "./expand-stage.ts";
import { needsAccounts, openViews, type ViewsContext } from "./open-views.ts";
import { type BuiltLayer, stageLayer } from "./stage-layer.ts";

/** What {@link buildLayer} works with. */
export interface BuildLayerContext extends ViewsContext {
  readonly plan: ComposePlan;
  readonly jobs: number;
  readonly budget: MemoryBudget;
  readonly temporaryDirectory: string;
  /** Takes the finished layer; lives as long as that is needed. */
  readonly layerSpool: Spool;
}

/**
 * Reads what the copy steps want out of the builders' layers and makes one layer of it.
 *
 * @throws ComposeImageError as reading layers and copying do; `DISK_FULL`, `LOCAL_IO` for the temporary file.
 */
export async function buildLayer(context: BuildLayerContext, call: Call): Promise<BuiltLayer> {
  const { plan, stage, base, jobs, budget, temporaryDirectory, layerSpool } = context;
  const steps = stage.copies.map((step) => ({ ...step, excludePatterns: new ExcludePatterns(step.exclude) }));
  await using bodies = new Spool(budget, temporaryDirectory);
  const reader = new LayerReader(bodies, jobs);
  const { builderViews, baseView } = openViews(context);
  const views = [...builderViews.values(), ...(baseView === undefined ? [] : [baseView])];
  if (context.baseStream.sends) {
    await reader.ask([...builderViews.values()], () => findAllSources(stage, builderViews), call);
  }
  const accounts =
    baseView !== undefined && needsAccounts(stage)
      ? await readAccountFiles(baseView, views, reader, bodies, call)
      : { passwd: "", group: "" };

  const madeMtime = String(plan.sourceDateEpoch ?? 0);
  const baseName = base?.name ?? "scratch";
  const root = await reader.ask(
    views,
    () => {
      const output = new OutputTree(baseName);
      askAll(steps, (step) => {
        const view = builderViews.get(step.from);
        if (view === undefined) throw new ComposeImageError("INTERNAL", "a copy step without its builder");
        for (const path of step.madeBefore) addDirectory(output, path, baseView?.tree(), madeMtime);
        copyInto(output, {
          fromName: view.name,
          from: view.tree(),
          sources: step.sources,
          destination: fromDirectory(step.destination, step.workingDirectory),
          owner: step.chown && resolveOwner(step.chown, accounts, baseName),
          mode: step.chmod,
          exclude: step.excludePatterns,
          base: step.link ? undefined : baseView?.tree(),
          madeMtime,
        });
      });
      if (stage.config.workdir !== undefined && !stage.copies.every(({ link }) => link)) {
        addDirectory(output, stage.workingDirectory, baseView?.tree(), madeMtime);
      }
      return output.root;
    },
    call,
  );
  for (const view of views) view.release();
  if (base === undefined || baseView !== undefined)
    checkUser(stage.config, accounts, root, baseName, context.onWarning);
  await reader.stage(filesOf(root), call);
  const readBody = ({ origin, offset }: FileNode): Content | Uint8Array => {
    const extent = origin?.blob.bodies.get(offset);
    if (extent === undefined)
      throw new ComposeImageError("INTERNAL", `${origin?.blob.name}: a body was not staged`);
    return bodies.readAtOnce(extent) ?? bodies.read(extent);
  };
  const tar = layerTar(root, plan.sourceDateEpoch, readBody);
  return await stageLayer(tar, plan.compression, jobs, layerSpool, countEntries(root), call);
}

/** Fails when a source is missing: that is to show before anything of the base is sent. */
function findAllSources(stage: ExpandedStage, views: ReadonlyMap<CopySource, ImageView>): void {
  const all = stage.copies.flatMap(({ from, sources }) => sources.map((source) => ({ from, source })));
  askAll(all, ({ from, source }) => {
    const view = views.get(from);
    if (view !== undefined) findSources(view.tree(), source, view.name);
  });
}

/** A working directory, made in the new layer where neither base nor copies have it. */
function addDirectory(output: OutputTree, path: string, base: MergedTree | undefined, mtime: string): void {
  const cleaned = resolveLexically(rootPath, bytesOfText(path));
  if (base?.walk(cleaned, true, "base").node?.children !== undefined) return;
  output.directory(cleaned, base, { mtime });
}

function* filesOf(root: FileNode): Generator<FileNode> {
  for (const { node } of layerEntries(root)) yield node;
}

function countEntries(root: FileNode): number {
  let count = 0;
  for (const _ of layerEntries(root)) count += 1;
  return count;
}
