import { groupPath, passwdPath } from "../layers/account-files.ts";
import type { DirectoryView } from "../layers/directory-view.ts";
import { ExcludePatterns } from "../layers/exclude.ts";
import { ImageView } from "../layers/image-view.ts";
import { Interest } from "../layers/interest.ts";
import type { LayerListing } from "../layers/layer-listing.ts";
import type { FilesView } from "../layers/layer-reader.ts";
import { needsAccountFiles, ownerOfUser } from "../layers/owner.ts";
import { fromDirectory, type ImagePath, isWithin, resolveLexically, rootPath } from "../layers/path.ts";
import { literalPrefix } from "../layers/source-pattern.ts";
import { wantedBodies } from "../layers/wanted-bodies.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { CopySource, Stage } from "../plan/compose-plan.ts";
import { bytesOfText } from "../tar/byte-string.ts";
import type { ExpandedCopy, ExpandedStage } from "./expand-stage.ts";
import type { KeptListings } from "./kept-listings.ts";
import { layerBlobs } from "./layer-blobs.ts";
import type { LayerReading } from "./layer-reading.ts";
import { viewDirectory } from "./resolve-directory.ts";
import type { PlanImages } from "./resolve-plan.ts";
import type { BaseStream } from "./stream-base.ts";

/** What {@link openViews} works with. */
export interface ViewsContext extends Omit<PlanImages, "platform"> {
  /** The plan's own. */
  readonly stage: ExpandedStage;
  /** Seconds since 1970: the time of what a directory of this machine holds. */
  readonly epoch: number | undefined;
  /** Sends base layers on as they are read. */
  readonly baseStream: BaseStream;
  /** Where what base layers hold is kept between runs; absent where it is not. */
  readonly listings: KeptListings | undefined;
  readonly onWarning: (message: string) => void;
  /** What layers are read with, and who else reads them. */
  readonly reading: LayerReading;
}

/** The views a plan needs. */
export interface OpenViews {
  /** By what copy steps are from; stages have none. */
  readonly sourceViews: ReadonlyMap<CopySource, FilesView>;
  /** Of the stages' bases; absent for scratch. */
  readonly stageViews: ReadonlyMap<Stage, ImageView>;
  /** Absent where composing does not need to know what the base holds. */
  readonly baseView: ImageView | undefined;
}

/** The views a plan needs, with nothing read yet. A blob that several images share is one object in all of them. */
export function openViews(context: ViewsContext): OpenViews {
  const { stage, stages, epoch, builders, directories, base, baseStream, listings, onWarning } = context;
  const { reading } = context;
  const { blobs } = reading;
  const copies = [stage, ...[...stages.values()].map(({ expanded }) => expanded)].flatMap(
    (each) => each.copies,
  );
  const isBaseRead = base !== undefined && readsBase(stage);
  const bases = [...stages.values()].flatMap(({ base: each, expanded }) =>
    each !== undefined && changesFiles(expanded) ? [each] : [],
  );
  const baseLayers = new Set(
    [...bases, ...(isBaseRead ? [base] : [])].flatMap(({ manifest }) =>
      manifest.layers.map(({ digest }) => digest),
    ),
  );
  const listingOf = (layer: Descriptor): LayerListing | undefined =>
    baseLayers.has(layer.digest) ? listings?.of(layer) : undefined;
  const sourceViews = new Map<CopySource, FilesView>();
  const stageViews = new Map<Stage, ImageView>();
  for (const [source, directory] of directories) {
    const prefixes = prefixesOf(copies.filter(({ from }) => from === source));
    const open = (): DirectoryView => viewDirectory(directory, new Interest(prefixes), epoch, onWarning);
    sourceViews.set(source, reading.directories.view(directory, prefixes, open));
  }
  for (const [source, image] of builders) {
    const steps = copies.filter(({ from }) => from === source);
    const interest = new Interest(prefixesOf(steps));
    const open = (): ImageView =>
      new ImageView(image.name, layerBlobs(image, blobs, { listingOf }), interest, {
        wantsBody: bodiesOf(steps),
        onWarning,
      });
    sourceViews.set(source, reading.images.view(image, selectionOf(steps), open));
  }
  for (const [each, { base: image, expanded }] of stages) {
    if (image === undefined) continue;
    const steps = copies.filter(({ from }) => from.kind === "stage" && from.stage === each);
    const prefixes = prefixesOf(steps);
    const { subtrees, paths } = interestInBase(expanded);
    const bodies = bodiesOf(steps);
    const wantsBody = (path: ImagePath): boolean =>
      prefixes.some((prefix) => isWithin(path, prefix)) && bodies(path);
    const interest = new Interest([...prefixes, ...subtrees], paths);
    const open = (): ImageView =>
      new ImageView(image.name, layerBlobs(image, blobs, { listingOf }), interest, { wantsBody, onWarning });
    stageViews.set(each, reading.images.view(image, [selectionOf(steps), subtrees, paths], open));
  }
  if (!isBaseRead) return { sourceViews, stageViews, baseView: undefined };
  const layers = layerBlobs(base, blobs, {
    open: (layer, call) => baseStream.open(layer, (inner) => base.source.fetch(layer, inner), call),
    listingOf,
  });
  const { subtrees, paths } = interestInBase(stage);
  const interest = new Interest(subtrees, paths);
  const baseView = new ImageView(base.name, layers, interest, { wantsBody: () => false, onWarning });
  return { sourceViews, stageViews, baseView };
}

/** Where the steps' sources lie. */
function prefixesOf(steps: readonly ExpandedCopy[]): ImagePath[] {
  return steps.flatMap(({ sources }) => sources.map(literalPrefix));
}

/** What decides which files of a view the steps take. */
function selectionOf(steps: readonly ExpandedCopy[]): readonly unknown[] {
  return steps.map(({ sources, exclude, parents }) => [sources, exclude, parents]);
}

/** Guesses what the steps take. */
function bodiesOf(steps: readonly ExpandedCopy[]): (path: ImagePath) => boolean {
  return wantedBodies(
    steps.map(({ sources, exclude, parents }) => ({
      sources: parents === true ? [] : sources,
      exclude: new ExcludePatterns(exclude),
    })),
  );
}

/** What a stage's steps have to know of its base. */
function interestInBase(stage: ExpandedStage): {
  readonly subtrees: readonly ImagePath[];
  readonly paths: readonly ImagePath[];
} {
  const lookedAt = stage.copies.filter(({ link }) => !link);
  const made = [
    ...(lookedAt.length > 0 ? [stage.workingDirectory] : []),
    ...stage.madeAtEnd,
    ...stage.copies.flatMap(({ madeBefore }) => madeBefore),
  ];
  return {
    subtrees: lookedAt.map(({ destination, workingDirectory }) =>
      absolutePath(fromDirectory(destination, workingDirectory)),
    ),
    paths: [...made.map(absolutePath), ...(needsAccounts(stage) ? [passwdPath, groupPath] : [])],
  };
}

/** Whether a stage holds other files than its base. */
function changesFiles({ copies, madeAtEnd }: ExpandedStage): boolean {
  return copies.length > 0 || madeAtEnd.length > 0;
}

/** Whether composing needs to know what the base holds: not with `link` everywhere and owners by number. */
export function readsBase(stage: ExpandedStage): boolean {
  const { copies, madeAtEnd } = stage;
  const looks = copies.some(({ link, madeBefore }) => !link || madeBefore.length > 0);
  return looks || madeAtEnd.length > 0 || namesOwners(stage);
}

/**
 * Whether the base's users and groups have to be known. To check the user that the container runs as is no reason to
 * read a base that is not looked at otherwise.
 */
export function needsAccounts(stage: ExpandedStage): boolean {
  return namesOwners(stage) || (readsBase(stage) && namesUser(stage));
}

/** Whether the user that the container runs as is given by name. */
function namesUser({ config: { user } }: ExpandedStage): boolean {
  return user !== undefined && needsAccountFiles(ownerOfUser(user));
}

/** Whether owners are given by name. */
function namesOwners(stage: ExpandedStage): boolean {
  return stage.copies.some(({ chown }) => chown !== undefined && needsAccountFiles(chown));
}

function absolutePath(path: string): ImagePath {
  return resolveLexically(rootPath, bytesOfText(path));
}
