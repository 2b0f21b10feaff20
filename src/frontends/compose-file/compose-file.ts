import type { ComposeImageError } from "../../model/errors.ts";
import type { DraftCopy, PlanDraft, PlanPart } from "../../plan/plan-draft.ts";
import { faultAt, type Located } from "../yaml/located.ts";
import type { FileCopy } from "./copy-shape.ts";
import { fileShape } from "./file-shape.ts";
import { NamedSources, namedCopy } from "./named-sources.ts";

/**
 * What a document of `compose.yaml` says.
 *
 * @throws ComposeImageError `USAGE`, `REFERENCE_INVALID`, `PLATFORM_INVALID` with file, line, column and key.
 */
export function draftFromComposeFile(document: Located): PlanDraft {
  const file = fileShape.read(document);
  const { builder, builders = {}, stages = {}, base, copy, annotations } = file;
  const { context, ignoreFiles, platforms, appendPlatforms, builderPlatform, author } = file;
  const { env, labels, workdir, user, entrypoint, cmd, shell, expose, volumes, stopSignal, healthcheck } =
    file;
  const { tags: targets, compression, sourceDateEpoch, record, format, historyComment } = file;
  const only = Object.values(builders).length === 1 ? Object.values(builders)[0] : undefined;
  const standard = builder ?? only;
  const sources = new NamedSources(document, { builders, stages, context, ignoreFiles });
  if (copy?.length === 0 && builder !== undefined) {
    throw faultAt(document, "has a builder, and copies nothing", "Say what to copy, or leave builder out.");
  }
  const copies = copy?.map((step): DraftCopy => namedCopy(step, sources));
  const key = context !== undefined ? "context" : ignoreFiles !== undefined ? "ignoreFiles" : undefined;
  if (key !== undefined) {
    expectContextUsed(document, key, [copy, ...Object.values(stages).map((stage) => stage.copy)]);
  }
  return {
    ...(standard !== undefined && { builder: standard }),
    ...(base !== undefined && { base }),
    ...(copies !== undefined && { copies, copiesNothing: copies.length === 0 }),
    config: {
      ...(env !== undefined && { env }),
      ...(labels !== undefined && { labels }),
      ...(expose !== undefined && { exposedPorts: expose.flat() }),
      ...(volumes !== undefined && { volumes }),
      ...(workdir !== undefined && { workdir }),
      ...(user !== undefined && { user }),
      ...(entrypoint !== undefined && { entrypoint }),
      ...(cmd !== undefined && { cmd }),
      ...(stopSignal !== undefined && { stopSignal }),
      ...(healthcheck !== undefined && { healthcheck }),
      ...(shell !== undefined && { shell }),
      ...(author !== undefined && { author }),
    },
    ...(annotations !== undefined && { annotations }),
    ...(targets !== undefined && { targets }),
    ...(platforms !== undefined && { platforms }),
    ...(appendPlatforms !== undefined && { appendPlatforms }),
    ...(builderPlatform !== undefined && { builderPlatform }),
    ...(format !== undefined && { format }),
    ...(compression !== undefined && { compression }),
    ...(record !== undefined && { record }),
    ...(sourceDateEpoch !== undefined && { sourceDateEpoch }),
    ...(historyComment !== undefined && { historyComment }),
  };
}

/** The error for what neither the document nor a flag says. */
export function missingKey(document: Located, part: PlanPart): ComposeImageError {
  const [what, hint] = missing[part];
  return faultAt(document, what, hint);
}

const missing: Readonly<Record<PlanPart, readonly [what: string, hint: string]>> = {
  builder: [
    "does not say what to copy from",
    "Write builder: IMAGE, or from: in each copy step; or give --builder.",
  ],
  base: ["lacks the key base", "Write base: IMAGE, or base: scratch; or give --base."],
  copies: ["lacks the key copy", "Write copy: with a list of paths; or give --directory."],
  targets: ["does not say where to push to", "Write tags: with a list of images; or give --tag."],
};

/** A directory that is named and not taken from is one that was meant to be. */
function expectContextUsed(
  document: Located,
  key: "context" | "ignoreFiles",
  copies: readonly (readonly FileCopy[] | undefined)[],
): void {
  if (copies.some((steps) => steps?.some(({ from }) => from?.name === "context"))) return;
  throw faultAt(
    document,
    `has the key ${key}, and no copy is from the context`,
    "Write from: context in a copy step, or builder: local:DIR in place of context.",
  );
}
