import { ComposeImageError } from "../../model/errors.ts";
import type { CopySource } from "../../plan/compose-plan.ts";
import { parseCopySource } from "../../plan/copy-source.ts";
import type { DraftCopy, PlanDraft, PlanPart } from "../../plan/plan-draft.ts";
import { faultAt, type Located } from "../yaml/located.ts";
import { nearestWord } from "../yaml/nearest.ts";
import type { FileCopy, FromName } from "./copy-shape.ts";
import { fileShape } from "./file-shape.ts";

type Builders = Readonly<Record<string, CopySource>>;

/**
 * What a document of `compose.yaml` says.
 *
 * @throws ComposeImageError `USAGE`, `REFERENCE_INVALID`, `PLATFORM_INVALID` with file, line, column and key.
 */
export function draftFromComposeFile(document: Located): PlanDraft {
  const file = fileShape.read(document);
  const {
    builder,
    builders = {},
    base,
    copy,
    annotations,
    platforms,
    appendPlatforms,
    builderPlatform,
  } = file;
  const { env, labels, workdir, user, entrypoint, cmd, shell, expose, volumes, stopSignal, healthcheck } =
    file;
  const { tags: targets, compression, sourceDateEpoch, record, format, historyComment } = file;
  const only = Object.values(builders).length === 1 ? Object.values(builders)[0] : undefined;
  const standard = builder ?? only;
  return {
    ...(standard !== undefined && { builder: standard }),
    ...(base !== undefined && { base }),
    ...(copy !== undefined && { copies: copy.map((step) => draftCopy(step, builders)) }),
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

function draftCopy({ from, ...step }: FileCopy, builders: Builders): DraftCopy {
  return from === undefined ? step : { ...step, from: locationOf(from, builders) };
}

/** A name among the builders, or an image. A plain word is a name: else a slip of the pen would be taken for an image. */
function locationOf({ name, what }: FromName, builders: Builders): CopySource {
  if (Object.hasOwn(builders, name)) return builders[name] ?? parseCopySource(name, what);
  if (/[/:@]/.test(name)) return parseCopySource(name, what);
  const names = Object.keys(builders);
  const nearest = nearestWord(name, names);
  const meant = nearest === undefined ? "" : `Did you mean ${nearest}? `;
  const known = names.length === 0 ? "There is no key builders." : `Builders are ${names.join(", ")}.`;
  throw new ComposeImageError("USAGE", `${what} ${name} is not the name of a builder`, {
    hint: `${meant}${known} An image is written with its tag: ${name}:latest.`,
  });
}
