import { tmpdir } from "node:os";
import { posix } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Call } from "../io/call.ts";
import { MemoryBudget } from "../io/memory-budget.ts";
import { Spool } from "../io/spool.ts";
import type { TransferListener } from "../io/transfer.ts";
import { groupPath, passwdPath, readAccountFiles } from "../layers/account-files.ts";
import { misfits, type PlacedStep } from "../layers/fits-base.ts";
import { ImageView } from "../layers/image-view.ts";
import { Interest } from "../layers/interest.ts";
import type { LayerBlob } from "../layers/layer-blob.ts";
import { type LayerTree, treeOfOutline } from "../layers/layer-outline.ts";
import { LayerReader } from "../layers/layer-reader.ts";
import { type AccountFiles, needsAccountFiles, type Owner, resolveOwner } from "../layers/owner.ts";
import { fromDirectory, resolveLexically, rootPath } from "../layers/path.ts";
import type { Digest } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import { bytesOfText } from "../tar/byte-string.ts";
import { type ComposedLayer, type RecordedStep, saidOf } from "./composed-layers.ts";
import type { TreeImage } from "./image-tree.ts";
import type { KeptListings } from "./kept-listings.ts";
import { type LayerBlobsOptions, layerBlobs } from "./layer-blobs.ts";
import { recordedGround } from "./layer-ground.ts";
import type { ResolvedImage } from "./resolve-image.ts";

/** What {@link checkFit} works with. */
export interface FitContext {
  readonly image: TreeImage;
  /** The image the layers are of, as messages and layer readers take it. */
  readonly application: ResolvedImage;
  /** How many of its layers are the old base's. */
  readonly layerCount: number;
  readonly newBase: ResolvedImage;
  /** The working directory of the image on its new base; may be empty. */
  readonly workdir: string;
  readonly jobs: number;
  readonly memoryLimit: number;
  readonly listings: KeptListings | undefined;
  readonly onTransfer: TransferListener;
}

/** Whether the base a layer is on has no say in it: nothing has to be read then. */
export function isIndependent({ steps }: ComposedLayer): boolean {
  return steps?.every((step) => step.link && !namesOwner(step)) ?? false;
}

/**
 * Compares a composed layer with what composing on the new base would have made of its directories and owners. Reads the
 * new base, and the layer where the image's record of it does not decide, each once; files are not put aside.
 *
 * @returns what does not fit; nothing where all does.
 * @throws ComposeImageError what reading layers throws.
 */
export async function checkFit(layer: ComposedLayer, context: FitContext, call: Call): Promise<string[]> {
  const { steps, position } = layer;
  if (steps === undefined) return ["its history does not say for sure what was copied where"];
  const { application, newBase, layerCount, jobs, memoryLimit, onTransfer } = context;
  const own = newBase.config.execution.WorkingDir ?? "";
  const workdir = posix.resolve("/", context.workdir);
  const placed = steps.map((step) => {
    const from = step.workdirs.length === 0 ? workdir : posix.resolve("/", own, ...step.workdirs);
    return { ...step, destination: fromDirectory(step.destination, from) };
  });
  const workdirs = steps.flatMap((step) =>
    step.workdirs.map((_, i) => posix.resolve("/", own, ...step.workdirs.slice(0, i + 1))),
  );
  const looked = placed.filter(({ link }) => !link);
  const needsAccounts = placed.some(namesOwner);

  await using bodies = new Spool(new MemoryBudget(memoryLimit), tmpdir());
  const reader = new LayerReader(bodies, jobs);
  const options = {
    wantsBody: () => false,
    onWarning: (message: string) => onTransfer({ kind: "warning", store: "layers", message }),
  };
  const known = new Map<Digest, LayerBlob>();
  const blobOptions: LayerBlobsOptions = { listingOf: (descriptor) => context.listings?.of(descriptor) };
  const ownBlobs = layerBlobs(application, known, blobOptions);
  const below = [...layerBlobs(newBase, known, blobOptions), ...ownBlobs.slice(layerCount, position)];
  const layerView = new ImageView(
    application.name,
    ownBlobs.slice(position, position + 1),
    new Interest([rootPath]),
    options,
  );
  const baseView = new ImageView(
    newBase.name,
    below,
    new Interest(
      looked.map(({ destination }) => resolveLexically(rootPath, bytesOfText(destination))),
      needsAccounts ? [passwdPath, groupPath] : [],
    ),
    options,
  );
  const views = [layerView, baseView];
  const ground = recordedGround(saidOf(context.image), context.image.config.diffIds[position]);
  const outline = ground && treeOfOutline(ground.outline);
  const accounts = needsAccounts
    ? await readAccountFiles(baseView, outline === undefined ? views : [baseView], reader, bodies, call)
    : { passwd: "", group: "" };
  const resolved = placed.map((step) => resolvedStep(step, accounts, newBase.name));
  const unknown = resolved.flatMap((step) => ("unknown" in step ? [step.unknown] : []));
  if (unknown.length > 0) return unknown;
  const steps_ = resolved.flatMap((step) => ("unknown" in step ? [] : [step]));
  const compare = (tree: LayerTree): string[] | undefined =>
    misfits(tree, baseView.tree(), steps_, [workdir, ...workdirs], newBase.name);
  if (outline !== undefined && isDeepStrictEqual(ground?.owners, ownersGivenByName(steps_))) {
    const found = await reader.ask([baseView], () => compare(outline), call);
    if (found !== undefined) return found;
  }
  return (await reader.ask(views, () => compare({ root: layerView.tree().root }), call)) ?? [];
}

function ownersGivenByName(steps: readonly PlacedStep[]): Owner[] {
  return steps.flatMap(({ isOwnerNamed, owner }) => (isOwnerNamed && owner !== undefined ? owner : []));
}

function namesOwner({ chown }: RecordedStep): boolean {
  return chown !== undefined && needsAccountFiles(chown);
}

function resolvedStep(
  step: RecordedStep,
  accounts: AccountFiles,
  baseName: string,
): PlacedStep | { readonly unknown: string } {
  const { chown, chmod, sources, destination, link } = step;
  try {
    return {
      destination,
      owner: chown && resolveOwner(chown, accounts, baseName),
      isOwnerNamed: namesOwner(step),
      mode: chmod,
      mayBeEmpty: sources.every((source) => /[*?[\\]/.test(source)),
      link,
    };
  } catch (error) {
    if (error instanceof ComposeImageError && error.code === "USER_UNKNOWN")
      return { unknown: error.message };
    throw error;
  }
}
