import type { ComposeImageError } from "../../model/errors.ts";
import { formatLocation, type ImageLocation } from "../../model/location.ts";
import type { CopySource } from "../../plan/compose-plan.ts";
import { imageSource } from "../../plan/copy-source.ts";
import type { ImageStreams } from "../../plan/image-streams.ts";
import { expectTarget } from "../../plan/images.ts";
import type { PlanDraft, PlanPart } from "../../plan/plan-draft.ts";
import { faultAt, type Located, type LocatedMap, type Place, placeName } from "../yaml/located.ts";
import { textAt } from "../yaml/text-at.ts";
import { buildConfigShape, type ImageObject, type NamedValue } from "./build-config-shape.ts";
import { type ImageObjects, imageOf } from "./image-object.ts";
import { contextOf } from "./source-images.ts";

/** What a BuildConfig has built: a Dockerfile, and what goes with it. */
export interface DockerBuild {
  readonly dockerfile: { readonly content: string; readonly place: Located };
  /** Of the whole. */
  readonly place: Place;
  /** What plain `COPY` reads. */
  readonly context: CopySource;
  /** Images by the names that `FROM` and `COPY --from` have for them. */
  readonly named: readonly { readonly name: string; readonly source: CopySource }[];
  /** What takes the place of the last `FROM`'s image. */
  readonly base: ImageLocation | undefined;
  /** As by an `ENV` after each `FROM`. */
  readonly env: readonly NamedValue[];
  readonly buildArgs: readonly NamedValue[];
  /** What is said beside the Dockerfile. */
  readonly draft: PlanDraft;
}

/** Whether a document is a BuildConfig. */
export function isBuildConfig(document: Located): document is LocatedMap {
  return document.kind === "map" && textAt(document, "kind") === "BuildConfig";
}

/**
 * Reads a BuildConfig.
 *
 * @throws ComposeImageError `USAGE`, `REFERENCE_INVALID` with file, line, column and key.
 */
export function readBuildConfig(document: LocatedMap, streams: ImageStreams): DockerBuild {
  expectVersion(document);
  const { spec = {}, metadata } = buildConfigShape.read(withoutNulls(document));
  const { source = {}, strategy = {}, output = {} } = spec;
  const { from, env = [], buildArgs = [] } = strategy.dockerStrategy ?? {};
  const objects = { streams, namespace: namespaceOf(metadata) };
  const images = (source.images ?? []).map(({ from: image, paths, names }) => ({
    from: imageSource(imageOf(image, objects)),
    paths,
    names,
  }));
  const { to, imageLabels = [] } = output;
  return {
    dockerfile: source.dockerfile ?? { content: "", place: document },
    place: document,
    context: contextOf(images),
    named: images.flatMap(({ from: image, names }) => names.map((name) => ({ name, source: image }))),
    base: from && imageOf(from, objects),
    env,
    buildArgs,
    draft: {
      ...(to !== undefined && { targets: [targetOf(to, objects)] }),
      ...(imageLabels.length > 0 && {
        config: { labels: Object.fromEntries(imageLabels.map(({ name, value }) => [name, value])) },
      }),
    },
  };
}

/** The error for what neither the BuildConfig nor a flag says. */
export function missingInBuildConfig(document: Located, part: PlanPart): ComposeImageError {
  const [field, hint] = missing[part];
  return faultAt(document, `lacks ${field}`, hint);
}

const inDockerfile = ["a COPY in spec.source.dockerfile", "Say there what is copied."] as const;

const missing: Readonly<Record<PlanPart, readonly [field: string, hint: string]>> = {
  builder: inDockerfile,
  base: ["spec.source.dockerfile", "Write the Dockerfile there."],
  copies: inDockerfile,
  targets: ["spec.output.to", "Write to: {kind: DockerImage, name: IMAGE} there, or give --tag."],
};

function targetOf(to: ImageObject, objects: ImageObjects): ImageLocation {
  const target = imageOf(to, objects);
  expectTarget(target, placeName(to.place), formatLocation(target));
  return target;
}

function expectVersion(document: LocatedMap): void {
  const text = textAt(document, "apiVersion");
  if (/^(?:build\.openshift\.io\/)?v1$/.test(text)) return;
  throw faultAt(
    document,
    `is a BuildConfig of ${JSON.stringify(text)}, which is not known`,
    "Known is apiVersion: build.openshift.io/v1.",
  );
}

/** To Kubernetes, `key: null` says nothing. */
function withoutNulls(value: Located): Located {
  if (value.kind === "list") return { ...value, items: value.items.map(withoutNulls) };
  if (value.kind === "scalar") return value;
  const said = [...value.entries].filter(
    ([, entry]) => entry.value.kind !== "scalar" || entry.value.value !== null,
  );
  const entries = said.map(([key, entry]) => [key, { ...entry, value: withoutNulls(entry.value) }] as const);
  return { ...value, entries: new Map(entries) };
}

function namespaceOf(metadata: Located | undefined): string | undefined {
  return (metadata && textAt(metadata, "namespace")) || undefined;
}
