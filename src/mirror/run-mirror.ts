import { type Call, unstoppable } from "../io/call.ts";
import { ignoreTransfers, type TransferListener } from "../io/transfer.ts";
import { ComposeImageError } from "../model/errors.ts";
import { formatMirrorPlace, type MirrorPlace } from "../model/mirror-place.ts";
import { FigureCounter, type TransferFigures } from "../ops/figures.ts";
import type { MirrorLock, MirrorPlan } from "../plan/mirror-plan.ts";
import { type Shard, startingAt } from "../plan/shard.ts";
import type { StoresOptions } from "../store/open-stores.ts";
import { chooseImages, type ImageChoice } from "./choose-images.ts";
import { DeltaSite } from "./delta-site.ts";
import type { Inventory } from "./inventory.ts";
import { mirrorImages } from "./mirror-images.ts";
import type { MirroredImage, MirrorFault, MirrorOutcome } from "./mirror-outcome.ts";
import { Sites } from "./open-sites.ts";
import { UnreachableRegistries } from "./unreachable-registries.ts";

/** Options of {@link runMirror}; those of the stores are among them. */
export interface MirrorOptions extends StoresOptions {
  /** Copies the images it has, and looks at no tags. */
  readonly lock?: MirrorLock | undefined;
  /** Leaves out what the receiver has. */
  readonly have?: Inventory | undefined;
  /** The part of the images that is this run's. Default all. */
  readonly shard?: Shard | undefined;
  /** Writes nothing, and gives a forecast. Default `false`. */
  readonly dryRun?: boolean | undefined;
  /** Most blobs and manifests, and most images, under way at once. Default 4. */
  readonly jobs?: number | undefined;
  /** The time that ages are counted from, in milliseconds since 1970. Default now. */
  readonly now?: number | undefined;
  /** Told of all images that were chosen, before the first is copied. What it throws ends the run. */
  readonly onChoice?: ((choice: ImageChoice) => Promise<void> | void) | undefined;
  /** Told of each image when it is done, or was not; must not throw. */
  readonly onImage?: ((done: MirroredImage | MirrorFault) => void) | undefined;
  /** Stops the work; what is thrown is the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link runMirror} did. */
export interface MirrorResult extends MirrorOutcome {
  /** The site as it is written on the command line. */
  readonly target: string;
  readonly figures: TransferFigures & { readonly elapsedMs: number };
}

/**
 * Mirrors the images that a plan means to a registry, a layout or an archive. What cannot be found or copied is among
 * `faults`; all else is done.
 *
 * @throws ComposeImageError of the site as a whole: `LAYOUT_INVALID`, `LOCAL_IO`, `DISK_FULL`, `USAGE`; `MANIFEST_NOT_FOUND`
 *   where nothing was chosen for an archive, unless this is one of several shards.
 */
export async function runMirror(
  plan: MirrorPlan,
  to: MirrorPlace,
  options: MirrorOptions = {},
): Promise<MirrorResult> {
  const { lock, have, shard, dryRun = false, jobs = 4, now = Date.now(), onChoice, onImage } = options;
  return countingRun(options, plan.hosts, async (sites, onTransfer, call) => {
    const open = ({ registry, repository }: { registry: string; repository: string }) =>
      sites.sourceRepository(registry, repository);
    const unreachable = new UnreachableRegistries();
    const choice = await chooseImages(plan, { lock, shard, jobs, now, open, unreachable }, call);
    await onChoice?.(choice);
    for (const fault of choice.faults) onImage?.(fault);
    if (!dryRun && shard === undefined) expectContent(to, choice);
    const whole = dryRun ? await sites.existing(to, call) : await sites.target(to, call);
    const site = have === undefined ? whole : new DeltaSite(whole, have);
    const run = { jobs, dryRun, unreachable, onTransfer, onImage };
    const choices = shard === undefined ? choice.choices : startingAt(shard, choice.choices);
    const done = await mirrorImages(choices, site, run, call);
    return { ...done, target: site.name, faults: [...choice.faults, ...done.faults] };
  });
}

/** Of nothing no archive is made, and an older one would be taken for it. */
function expectContent(to: MirrorPlace, { choices, faults }: ImageChoice): void {
  const isEmpty = faults.length === 0 && choices.every(({ images }) => images.length === 0);
  if (to.transport !== "oci-archive" || !isEmpty) return;
  throw new ComposeImageError(
    "MANIFEST_NOT_FOUND",
    `no image was chosen, so ${formatMirrorPlace(to)} is not written`,
    { hint: "Look at exclude and maxAge in the mirror file." },
  );
}

/** Does work with sites that are closed afterwards, and says what it moved in what time. */
export async function countingRun<T extends object>(
  options: StoresOptions & Pick<MirrorOptions, "signal">,
  hosts: MirrorPlan["hosts"],
  work: (sites: Sites, onTransfer: TransferListener, call: Call) => Promise<T>,
): Promise<T & Pick<MirrorResult, "figures">> {
  const startedAt = performance.now();
  const counter = new FigureCounter();
  const { onTransfer = ignoreTransfers, signal } = options;
  const call: Call = signal === undefined ? unstoppable : { signal };
  const tell: TransferListener = (event) => {
    counter.count(event);
    onTransfer(event);
  };
  await using sites = new Sites({
    ...options,
    hostLimits: { ...options.hostLimits, ...hosts },
    onTransfer: tell,
  });
  const done = await work(sites, tell, call);
  return { ...done, figures: { ...counter.figures(), elapsedMs: performance.now() - startedAt } };
}
