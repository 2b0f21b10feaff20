import type { Call } from "../io/call.ts";
import type { Content } from "../io/content.ts";
import type { Spool } from "../io/spool.ts";
import { readAccountFiles } from "../layers/account-files.ts";
import { copyInto } from "../layers/copy.ts";
import { ExcludePatterns } from "../layers/exclude.ts";
import type { FileNode } from "../layers/file-node.ts";
import type { ImageView } from "../layers/image-view.ts";
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
import { needsAccounts, openViews, type ViewsContext } from "./open-views.ts";
import { type BuiltLayer, stageLayer } from "./stage-layer.ts";

/** What {@link buildLayer} works with. */
export interface BuildLayerContext extends ViewsContext {
  /** Most blocks compressed at once. */
  readonly jobs: number;
  /** Takes the finished layer; lives as long as that is needed. */
  readonly layerSpool: Spool;
}

/**
 * Reads what the copy steps want out of the builders' layers and makes one layer of it. With others that share the
 * reading it waits until all have read: what was put aside is not to be read while it grows.
 *
 * @throws ComposeImageError as reading layers and copying do; `DISK_FULL`, `LOCAL_IO` for the temporary file.
 */
export async function buildLayer(context: BuildLayerContext, call: Call): Promise<BuiltLayer> {
  const { plan, base, jobs, reading, layerSpool } = context;
  const { reader, bodies } = reading;
  const steps = plan.copies.map((step) => ({ ...step, excludePatterns: new ExcludePatterns(step.exclude) }));
  const { builderViews, baseView } = openViews(context);
  const views = [...builderViews.values(), ...(baseView === undefined ? [] : [baseView])];
  if (context.baseStream.sends) {
    await reader.ask([...builderViews.values()], () => findAllSources(plan, builderViews), call);
  }
  const accounts =
    baseView !== undefined && needsAccounts(plan)
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
        copyInto(output, {
          fromName: view.name,
          from: view.tree(),
          sources: step.sources,
          destination: fromDirectory(step.destination, context.workingDirectory),
          owner: step.chown && resolveOwner(step.chown, accounts, baseName),
          mode: step.chmod,
          exclude: step.excludePatterns,
          base: step.link ? undefined : baseView?.tree(),
          madeMtime,
        });
      });
      if (plan.config.workdir !== undefined && !plan.copies.every(({ link }) => link)) {
        addWorkingDirectory(output, context.workingDirectory, baseView?.tree(), madeMtime);
      }
      return output.root;
    },
    call,
  );
  reading.release(views);
  if (base === undefined || baseView !== undefined)
    checkUser(plan, accounts, root, baseName, context.onWarning);
  await reader.stage(filesOf(root), call);
  await reader.leave(call);
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
function findAllSources(plan: ComposePlan, views: ReadonlyMap<CopySource, ImageView>): void {
  const all = plan.copies.flatMap(({ from, sources }) => sources.map((source) => ({ from, source })));
  askAll(all, ({ from, source }) => {
    const view = views.get(from);
    if (view !== undefined) findSources(view.tree(), source, view.name);
  });
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

function* filesOf(root: FileNode): Generator<FileNode> {
  for (const { node } of layerEntries(root)) yield node;
}

function countEntries(root: FileNode): number {
  let count = 0;
  for (const _ of layerEntries(root)) count += 1;
  return count;
}
