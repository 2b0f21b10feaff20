import { ComposeImageError } from "../model/errors.ts";
import { formatLocation } from "../model/location.ts";
import type { ComposePlan } from "../plan/compose-plan.ts";
import { formatCopySource, imageSource } from "../plan/copy-source.ts";
import {
  followImageStream,
  type ImageStreamName,
  type ImageStreams,
  parseImageStreamRegistry,
} from "../plan/image-streams.ts";
import { completePlan, overlayDraft, type PlanDraft } from "../plan/plan-draft.ts";
import { parseReplacement, replaceReferences } from "../plan/replace-references.ts";
import { DocumentReader, expectDockerfile, expectNoCopyFlags, itemsOf } from "./document-reader.ts";
import { type ComposeFlags, draftFromFlags } from "./flags/compose-flags.ts";
import type { Located } from "./yaml/located.ts";
import { readDocuments } from "./yaml/read-documents.ts";
import { parseSetting } from "./yaml/settings.ts";

/** What goes with a file. */
export interface ComposeFileOptions {
  /** The file's name, for messages. Default `compose.yaml`. */
  readonly name?: string | undefined;
  /** Values for `${NAME}`. Default none: the environment is not looked at. */
  readonly variables?: Readonly<Record<string, string>> | undefined;
  /** `KEY=VALUE`, put over each document; a key without a dot is a parameter of a Build, for `$(KEY)`. */
  readonly set?: readonly string[] | undefined;
  /** Flags, put over each document. */
  readonly flags?: ComposeFlags | undefined;
  /** The image stream that a repository names as builder; in the place of `flags.builder`. */
  readonly buildRoot?: ImageStreamName | undefined;
  /** `HOST[/PATH]`: where image streams are pulled from that a document does not map. */
  readonly imagestreamRegistry?: string | undefined;
  /** Values for `ARG` in the Dockerfile of a BuildConfig. */
  readonly buildArgs?: Readonly<Record<string, string>> | undefined;
  /** `FROM=TO`, for the references in the plans. */
  readonly replace?: readonly string[] | undefined;
  /** Used where neither document nor flags say it. */
  readonly sourceDateEpoch?: number | undefined;
}

/**
 * Turns a file into plans, one for each of its documents: those of a `compose.yaml`, Builds of Shipwright, or
 * BuildConfigs of OpenShift, in lists as well. Touches neither network nor files.
 *
 * @throws ComposeImageError `USAGE`, `REFERENCE_INVALID`, `PLATFORM_INVALID` with file, line and column, or with the
 *   flag; also for variables and parameters that nothing asks for, and two images with one name.
 */
export function parseComposeFile(text: string, options: ComposeFileOptions = {}): ComposePlan[] {
  const { name = "compose.yaml", flags = {}, sourceDateEpoch } = options;
  const settings = (options.set ?? []).map(parseSetting);
  const replacements = (options.replace ?? []).map(parseReplacement);
  const { buildRoot, buildArgs = {}, imagestreamRegistry } = options;
  const registry =
    imagestreamRegistry === undefined
      ? undefined
      : parseImageStreamRegistry(imagestreamRegistry, "--imagestream-registry");
  const variables = new Map(Object.entries(options.variables ?? {}));
  const reader = new DocumentReader({ settings, variables, buildArgs, registry });
  const flagged = draftFromFlags(flags);
  const lower: PlanDraft = sourceDateEpoch === undefined ? {} : { sourceDateEpoch };
  const documents = readDocuments(text, name).flatMap(itemsOf);
  if (documents.length === 0) {
    throw new ComposeImageError("USAGE", `${name}:1:1: there is nothing in it`, {
      hint: "Write builder, base, copy and tags; compose-image schema describes them.",
    });
  }
  expectDockerfile(documents, buildArgs, name);
  expectNoCopyFlags(documents, flagged, buildRoot);
  const plans = documents.map((document) => {
    const { draft, missing, known } = reader.read(document, flagged);
    const upper = buildRoot === undefined ? flagged : withBuilder(flagged, buildRoot, { registry, known });
    const whole = overlayDraft(overlayDraft(lower, draft), upper);
    expectBuilderUsed(whole, upper);
    const plan = completePlan(whole, missing);
    return replaceReferences(plan, replacements);
  });
  reader.expectAllUsed(name);
  expectDistinctTargets(plans, documents);
  return plans;
}

function withBuilder(flags: PlanDraft, buildRoot: ImageStreamName, streams: ImageStreams): PlanDraft {
  return { ...flags, builder: imageSource(followImageStream(buildRoot, streams)) };
}

/** A builder that a flag names is meant for something. */
function expectBuilderUsed({ copies }: PlanDraft, { builder }: PlanDraft): void {
  if (builder === undefined || copies === undefined || copies.some(({ from }) => from === undefined)) return;
  throw new ComposeImageError(
    "USAGE",
    `--builder ${formatCopySource(builder)}: ${copies.length === 0 ? "nothing is copied" : "each copy step names another image to take from"}`,
    { hint: "Set the one that is meant: --set builders.NAME=IMAGE, or --set copy.0.from=IMAGE." },
  );
}

function expectDistinctTargets(plans: readonly ComposePlan[], documents: readonly Located[]): void {
  const taken = new Map<string, number>();
  for (const [i, { targets }] of plans.entries()) {
    for (const target of targets) {
      const name = formatLocation(target);
      const other = taken.get(name) ?? i;
      if (other !== i) {
        throw new ComposeImageError(
          "USAGE",
          `${documents[i]?.where}: ${name} is the name of the image at ${documents[other]?.where} already`,
          { hint: "Give each document tags of its own; --tag goes with a single document." },
        );
      }
      taken.set(name, i);
    }
  }
}
