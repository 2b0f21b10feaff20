import type { Call } from "../io/call.ts";
import { forEachConcurrently } from "../io/concurrency.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { elsewhereIn } from "../store/layout/kept-platforms.ts";
import type { Target } from "../store/target.ts";
import type { RepositoryChoice, ResolvedImage } from "./choose-images.ts";
import { findMissing, type MissingContent, type MissingParts, type PartialSource } from "./find-missing.ts";
import { keepsPlatforms } from "./keep-platforms.ts";
import type { Site } from "./site.ts";

/** What an image needs and nobody has. */
export interface Incomplete {
  /** `team/app:1.2` */
  readonly image: string;
  readonly descriptor: Descriptor;
}

/** What several images need and their source has not. */
export interface IncompleteImages {
  readonly missing: readonly Incomplete[];
  /** Blobs that another repository of the site has, and which. */
  readonly held: ReadonlyMap<Digest, Target>;
}

/** An image of a place that may lack some of its content. */
export type PartialImage = ResolvedImage & { readonly descriptor: Descriptor };

/** The images of one repository of such a place. */
export interface PartialChoice extends RepositoryChoice {
  readonly source: PartialSource;
  readonly images: readonly PartialImage[];
  /** What is found by the tags of cosign, and comes along with what it is about. */
  readonly signatures: readonly PartialImage[];
}

/** Looks for all that images and their referrers need, in their source and at the site. Writes nothing. */
export async function incompleteImages(
  choices: readonly PartialChoice[],
  site: Site,
  jobs: number,
  call: Call,
): Promise<IncompleteImages> {
  const missing: Incomplete[] = [];
  const held = new Map<Digest, Target>();
  await forEachConcurrently(
    choices,
    jobs,
    async (choice, inner) => {
      const { source, repository } = choice;
      const target = site.repository(repository.target);
      for (const image of [...choice.images, ...choice.signatures]) {
        const { descriptor, kept } = image;
        const elsewhere = elsewhereIn(descriptor).map((path) => site.repository(path));
        const parts = { source, target, elsewhere, wants: kept && keepsPlatforms(kept), jobs };
        for await (const found of withReferrers(descriptor, parts, inner)) {
          for (const [digest, holder] of found.held) held.set(digest, holder);
          for (const each of found.missing) missing.push({ image: nameOf(image), descriptor: each });
        }
      }
    },
    call,
  );
  return { missing, held };
}

/** What is missing of an image, of what refers to it, and so on. */
async function* withReferrers(
  image: Descriptor,
  parts: MissingParts,
  call: Call,
): AsyncGenerator<MissingContent> {
  const seen = new Set<Digest>();
  const waiting = [image];
  for (let top = waiting.shift(); top !== undefined; top = waiting.shift()) {
    const found = await findMissing(top, parts, call);
    yield found;
    for (const { digest } of found.manifests) {
      if (seen.has(digest)) continue;
      seen.add(digest);
      waiting.push(...(await parts.source.referrers(digest, call)));
    }
  }
}

function nameOf({ target, tag, digest }: ResolvedImage): string {
  return `${target}${tag === undefined ? `@${digest}` : `:${tag}`}`;
}
