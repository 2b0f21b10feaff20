import { type Call, unstoppable } from "../io/call.ts";
import type { Digest } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { ImageLocation } from "../model/location.ts";
import { formatReference } from "../model/reference.ts";
import { Stores } from "../store/open-stores.ts";
import type { ImageRecord, RecordedImage } from "./parse-record.ts";
import { type ReadRecordOptions, readRecordFrom } from "./read-record.ts";

/** What became of an image since it was used. */
export interface StaleCheck {
  readonly side: "base" | "builder";
  readonly image: RecordedImage;
  /** What its reference stands for now, where that could be found out. */
  readonly current: Digest | undefined;
  /**
   * `pinned`: it is named by its digest alone; `unnamed`: it had no name that others could use. `gone`: its name stands
   * for nothing any more; `unknown`: it could not be found out.
   */
  readonly status: "same" | "moved" | "pinned" | "unnamed" | "gone" | "unknown";
  /** Why it is gone or unknown. */
  readonly failure?: ComposeImageError;
}

/** What became of the images that an image was made from. */
export interface StaleImage {
  readonly location: ImageLocation;
  /** The base first; empty where there is a failure. */
  readonly checks: readonly StaleCheck[];
  /** Why the image could not be read. */
  readonly failure?: ComposeImageError;
}

/**
 * Compares what images were made from with what the same references stand for now. One that fails keeps none of the
 * others from being looked at.
 *
 * @throws the reason of `signal` when stopped.
 */
export async function checkImages(
  locations: readonly ImageLocation[],
  options: ReadRecordOptions = {},
): Promise<StaleImage[]> {
  const call: Call = options.signal === undefined ? unstoppable : { signal: options.signal };
  await using stores = new Stores(options);
  const resolved = new Map<string, Digest>();
  const images: StaleImage[] = [];
  for (const location of locations) {
    try {
      const { record } = await readRecordFrom(stores, location, options.platform, call);
      images.push({ location, checks: await checkStale(record, resolved, stores, call) });
    } catch (error) {
      if (call.signal.aborted || !(error instanceof ComposeImageError)) throw error;
      images.push({ location, checks: [], failure: error });
    }
  }
  return images;
}

/** @param resolved what is known already, by reference; what is found out is added. */
async function checkStale(
  { base, builders }: Pick<ImageRecord, "base" | "builders">,
  resolved: Map<string, Digest>,
  stores: Stores,
  call: Call,
): Promise<StaleCheck[]> {
  const checks: StaleCheck[] = [];
  const check = async (side: "base" | "builder", image: RecordedImage): Promise<void> => {
    checks.push({ side, image, ...(await compare(side, image, resolved, stores, call)) });
  };
  if (base !== undefined) await check("base", base);
  for (const builder of builders) if (builder.kind === "image") await check("builder", builder);
  return checks;
}

async function compare(
  side: "base" | "builder",
  { reference, digest }: RecordedImage,
  resolved: Map<string, Digest>,
  stores: Stores,
  call: Call,
): Promise<Omit<StaleCheck, "side" | "image">> {
  if (reference === undefined) return { current: undefined, status: "unnamed" };
  if (reference.tag === undefined) return { current: undefined, status: "pinned" };
  try {
    const { registry, repository, tag } = reference;
    const tagged = { registry, repository, tag };
    const name = formatReference(tagged);
    const { source, selector } = await stores.source(
      { transport: "registry", reference: tagged },
      side,
      call,
    );
    const current = resolved.get(name) ?? (await source.resolve(selector, call)).digest;
    resolved.set(name, current);
    return { current, status: current === digest ? "same" : "moved" };
  } catch (error) {
    if (call.signal.aborted || !(error instanceof ComposeImageError)) throw error;
    const status = error.code === "MANIFEST_NOT_FOUND" ? "gone" : "unknown";
    return { current: undefined, status, failure: error };
  }
}
