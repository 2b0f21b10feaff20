import { groupPath, passwdPath } from "../layers/account-files.ts";
import { ExcludePatterns } from "../layers/exclude.ts";
import { ImageView } from "../layers/image-view.ts";
import { Interest } from "../layers/interest.ts";
import type { LayerBlob } from "../layers/layer-blob.ts";
import type { LayerListing } from "../layers/layer-listing.ts";
import { needsAccountFiles, ownerOfUser } from "../layers/owner.ts";
import { fromDirectory, type ImagePath, resolveLexically, rootPath } from "../layers/path.ts";
import { literalPrefix } from "../layers/source-pattern.ts";
import { wantedBodies } from "../layers/wanted-bodies.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import type { CopySource } from "../plan/compose-plan.ts";
import { bytesOfText } from "../tar/byte-string.ts";
import type { ExpandedStage } from "./expand-stage.ts";
import type { KeptListings } from "./kept-listings.ts";
import { layerBlobs } from "./layer-blobs.ts";
import type { ResolvedImage } from "./resolve-image.ts";
import type { BaseStream } from "./stream-base.ts";

/** What {@link openViews} works with. */
export interface ViewsContext {
  readonly stage: ExpandedStage;
  /** By what copy steps are from. */
  readonly builders: ReadonlyMap<CopySource, ResolvedImage>;
  /** Absent for scratch. */
  readonly base: ResolvedImage | undefined;
  /** Sends base layers on as they are read. */
  readonly baseStream: BaseStream;
  /** Where what base layers hold is kept between runs; absent where it is not. */
  readonly listings: KeptListings | undefined;
  readonly onWarning: (message: string) => void;
}

/** The views a plan needs, with nothing read yet. A blob that several images share is one object in all of them. */
export function openViews(context: ViewsContext): {
  readonly builderViews: ReadonlyMap<CopySource, ImageView>;
  /** Absent where composing does not need to know what the base holds. */
  readonly baseView: ImageView | undefined;
} {
  const { stage, builders, base, baseStream, listings, onWarning } = context;
  const isBaseRead = base !== undefined && readsBase(stage);
  const baseLayers = new Set(isBaseRead ? base.manifest.layers.map(({ digest }) => digest) : []);
  const listingOf = (layer: Descriptor): LayerListing | undefined =>
    baseLayers.has(layer.digest) ? listings?.of(layer) : undefined;
  const blobs = new Map<Digest, LayerBlob>();
  const builderViews = new Map<CopySource, ImageView>();
  for (const [source, image] of builders) {
    const steps = stage.copies.filter(({ from }) => from === source);
    const interest = new Interest(steps.flatMap(({ sources }) => sources.map(literalPrefix)));
    const wantsBody = wantedBodies(
      steps.map(({ sources, exclude }) => ({ sources, exclude: new ExcludePatterns(exclude) })),
    );
    const layers = layerBlobs(image, blobs, { listingOf });
    builderViews.set(source, new ImageView(image.name, layers, interest, { wantsBody, onWarning }));
  }
  if (!isBaseRead) return { builderViews, baseView: undefined };
  const lookedAt = stage.copies.filter(({ link }) => !link);
  const destinations = lookedAt.map(({ destination, workingDirectory }) =>
    fromDirectory(destination, workingDirectory),
  );
  const directories = [
    ...(lookedAt.length > 0 ? [stage.workingDirectory] : []),
    ...stage.copies.flatMap(({ madeBefore }) => madeBefore),
  ];
  const paths = [...directories.map(absolutePath), ...(needsAccounts(stage) ? [passwdPath, groupPath] : [])];
  const interest = new Interest(destinations.map(absolutePath), paths);
  const layers = layerBlobs(base, blobs, {
    open: (layer, call) => baseStream.open(layer, (inner) => base.source.fetch(layer, inner), call),
    listingOf,
  });
  const baseView = new ImageView(base.name, layers, interest, { wantsBody: () => false, onWarning });
  return { builderViews, baseView };
}

/** Whether composing needs to know what the base holds: not with `link` everywhere and owners by number. */
export function readsBase(stage: ExpandedStage): boolean {
  return stage.copies.some(({ link, madeBefore }) => !link || madeBefore.length > 0) || namesOwners(stage);
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
