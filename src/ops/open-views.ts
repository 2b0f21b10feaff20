import { groupPath, passwdPath } from "../layers/account-files.ts";
import { ExcludePatterns } from "../layers/exclude.ts";
import { ImageView } from "../layers/image-view.ts";
import { Interest } from "../layers/interest.ts";
import type { LayerListing } from "../layers/layer-listing.ts";
import { needsAccountFiles, ownerOfUser } from "../layers/owner.ts";
import { fromDirectory, resolveLexically, rootPath } from "../layers/path.ts";
import { literalPrefix } from "../layers/source-pattern.ts";
import { wantedBodies } from "../layers/wanted-bodies.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { ComposePlan, CopySource } from "../plan/compose-plan.ts";
import { bytesOfText } from "../tar/byte-string.ts";
import type { KeptListings } from "./kept-listings.ts";
import { layerBlobs } from "./layer-blobs.ts";
import type { LayerReading } from "./layer-reading.ts";
import type { ResolvedImage } from "./resolve-image.ts";
import type { BaseStream } from "./stream-base.ts";

/** What {@link openViews} works with. */
export interface ViewsContext {
  readonly plan: ComposePlan;
  /** By what copy steps are from. */
  readonly builders: ReadonlyMap<CopySource, ResolvedImage>;
  /** Absent for scratch. */
  readonly base: ResolvedImage | undefined;
  /** Sends base layers on as they are read. */
  readonly baseStream: BaseStream;
  /** Where what base layers hold is kept between runs; absent where it is not. */
  readonly listings: KeptListings | undefined;
  /** Absolute; what relative destinations are meant from. */
  readonly workingDirectory: string;
  readonly onWarning: (message: string) => void;
  /** What layers are read with, and who else reads them. */
  readonly reading: LayerReading;
}

/** The views a plan needs, with nothing read yet. A blob that several images share is one object in all of them. */
export function openViews(context: ViewsContext): {
  readonly builderViews: ReadonlyMap<CopySource, ImageView>;
  /** Absent where composing does not need to know what the base holds. */
  readonly baseView: ImageView | undefined;
} {
  const { plan, builders, base, baseStream, listings, workingDirectory, onWarning, reading } = context;
  const isBaseRead = base !== undefined && readsBase(plan);
  const baseLayers = new Set(isBaseRead ? base.manifest.layers.map(({ digest }) => digest) : []);
  const listingOf = (layer: Descriptor): LayerListing | undefined =>
    baseLayers.has(layer.digest) ? listings?.of(layer) : undefined;
  const { blobs } = reading;
  const builderViews = new Map<CopySource, ImageView>();
  for (const [source, image] of builders) {
    const steps = plan.copies.filter(({ from }) => from === source);
    const open = (): ImageView =>
      new ImageView(
        image.name,
        layerBlobs(image, blobs, { listingOf }),
        new Interest(steps.flatMap(({ sources }) => sources.map(literalPrefix))),
        {
          wantsBody: wantedBodies(
            steps.map(({ sources, exclude }) => ({ sources, exclude: new ExcludePatterns(exclude) })),
          ),
          onWarning,
        },
      );
    builderViews.set(source, reading.view(source, image, open));
  }
  if (!isBaseRead) return { builderViews, baseView: undefined };
  const lookedAt = plan.copies.filter(({ link }) => !link);
  const destinations = lookedAt.map(({ destination }) =>
    resolveLexically(rootPath, bytesOfText(fromDirectory(destination, workingDirectory))),
  );
  const paths = [
    ...(lookedAt.length > 0 ? [resolveLexically(rootPath, bytesOfText(workingDirectory))] : []),
    ...(needsAccounts(plan) ? [passwdPath, groupPath] : []),
  ];
  const interest = new Interest(destinations, paths);
  const layers = layerBlobs(base, blobs, {
    open: (layer, call) => baseStream.open(layer, (inner) => base.source.fetch(layer, inner), call),
    listingOf,
  });
  const baseView = new ImageView(base.name, layers, interest, { wantsBody: () => false, onWarning });
  return { builderViews, baseView };
}

/** Whether composing needs to know what the base holds: not with `link` everywhere and owners by number. */
export function readsBase(plan: ComposePlan): boolean {
  return plan.copies.some(({ link }) => !link) || namesOwners(plan);
}

/**
 * Whether the base's users and groups have to be known. To check the user that the container runs as is no reason to
 * read a base that is not looked at otherwise.
 */
export function needsAccounts(plan: ComposePlan): boolean {
  return namesOwners(plan) || (readsBase(plan) && namesUser(plan));
}

/** Whether the user that the container runs as is given by name. */
function namesUser({ config: { user } }: ComposePlan): boolean {
  return user !== undefined && needsAccountFiles(ownerOfUser(user));
}

/** Whether owners are given by name. */
function namesOwners(plan: ComposePlan): boolean {
  return plan.copies.some(({ chown }) => chown !== undefined && needsAccountFiles(chown));
}
