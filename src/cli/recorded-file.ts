import { formatPlans } from "../frontends/compose-file/format-plans.ts";
import type { JsonObject } from "../model/json.ts";
import { formatLocation, type ImageLocation } from "../model/location.ts";
import { formatPlatform } from "../model/platform.ts";
import { formatReference } from "../model/reference.ts";
import { visibleText } from "../model/visible-text.ts";
import type { RecordedDirectory, RecordedImage } from "../ops/parse-record.ts";
import type { RecordedComposition } from "../ops/read-record.ts";
import { planFromRecord, type RecordedReferences } from "../ops/recorded-plan.ts";

/**
 * What an image was made from, as a `compose.yaml` that `-f` takes. Images without a public name are variables, and where
 * the image was named by its digest alone there are no tags: comments say so.
 */
export function recordedFile(composition: RecordedComposition, references: RecordedReferences): string {
  const { plan, unnamed } = planFromRecord(composition, references);
  const target = taggedLocation(composition.location);
  const comments = [
    `${nameWithDigest(composition)}, composed by compose-image`,
    ...[...unnamed.values()].map(({ variable, origin }) =>
      origin.kind === "local"
        ? `${variable} was a directory of the machine: give it with --var ${variable}=local:DIR`
        : `${variable} was ${origin.digest}, under no name that others could use: give it with --var ${variable}=IMAGE`,
    ),
    ...composition.edits.map((edit) => `not in it: what compose-image config has changed since: ${edit}`),
    ...(target === undefined ? ["say with --tag where it goes"] : []),
  ];
  const variables = new Map([...unnamed].map(([origin, { variable }]) => [origin, variable]));
  const file = formatPlans([{ ...plan, targets: target === undefined ? [] : [target] }], variables);
  return `${comments.map((comment) => `# ${visibleText(comment)}\n`).join("")}${file}`;
}

/** The same for programs; images have the names and digests they had. */
export function recordedDocument({ record, ...composition }: RecordedComposition): JsonObject {
  const { location, resolved, platform, annotations, historyComment, edits } = composition;
  return {
    image: formatLocation(location),
    digest: resolved.digest,
    platform: formatPlatform(platform),
    base: record.base === undefined ? null : originDocument(record.base),
    builders: record.builders.map(originDocument),
    ...record.document,
    annotations: { ...annotations },
    ...(historyComment !== undefined && { historyComment }),
    ...(edits.length > 0 && { edits: [...edits] }),
  };
}

/** Where an image is that has a tag; its digest is left out. */
export function taggedLocation(location: ImageLocation): ImageLocation | undefined {
  if (location.transport !== "registry") return location;
  const { registry, repository, tag } = location.reference;
  return tag === undefined ? undefined : { ...location, reference: { registry, repository, tag } };
}

function nameWithDigest({ location, resolved }: RecordedComposition): string {
  if (location.transport === "registry") {
    return formatReference({ ...location.reference, digest: resolved.digest });
  }
  return `${formatLocation(location)} (${resolved.digest})`;
}

function originDocument(origin: RecordedImage | RecordedDirectory): JsonObject {
  if (origin.kind === "local") return { local: true };
  const { reference, digest, platform } = origin;
  return {
    ...(reference !== undefined && { reference: formatReference(reference) }),
    digest,
    ...(platform !== undefined && { platform: formatPlatform(platform) }),
  };
}
