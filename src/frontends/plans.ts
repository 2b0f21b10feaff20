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
import { completePlan, overlayDraft, type PlanDraft, type PlanPart } from "../plan/plan-draft.ts";
import { parseReplacement, replaceReferences } from "../plan/replace-references.ts";
import { draftFromComposeFile, missingKey } from "./compose-file/compose-file.ts";
import { imageStreamsIn } from "./compose-file/image-streams-shape.ts";
import { type ComposeFlags, draftFromFlags } from "./flags/compose-flags.ts";
import { draftFromBuild, isKubernetesObject, missingField } from "./shipwright/build.ts";
import type { Located } from "./yaml/located.ts";
import { readDocuments } from "./yaml/read-documents.ts";
import { applySetting, parseSetting, type Setting } from "./yaml/settings.ts";
import { substituteVariables, Variables } from "./yaml/substitute.ts";

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
  /** `FROM=TO`, for the references in the plans. */
  readonly replace?: readonly string[] | undefined;
  /** Used where neither document nor flags say it. */
  readonly sourceDateEpoch?: number | undefined;
}

/**
 * Turns a file into plans, one for each of its documents: those of a `compose.yaml`, or Builds of Shipwright. Touches
 * neither network nor files.
 *
 * @throws ComposeImageError `USAGE`, `REFERENCE_INVALID`, `PLATFORM_INVALID` with file, line and column, or with the
 *   flag; also for variables and parameters that nothing asks for, and two images with one name.
 */
export function parseComposeFile(text: string, options: ComposeFileOptions = {}): ComposePlan[] {
  const { name = "compose.yaml", flags = {}, sourceDateEpoch } = options;
  const settings = (options.set ?? []).map(parseSetting);
  const replacements = (options.replace ?? []).map(parseReplacement);
  const reader = new DraftReader(settings, new Map(Object.entries(options.variables ?? {})));
  const { buildRoot, imagestreamRegistry } = options;
  const registry =
    imagestreamRegistry === undefined
      ? undefined
      : parseImageStreamRegistry(imagestreamRegistry, "--imagestream-registry");
  const flagged = draftFromFlags(flags);
  const lower: PlanDraft = sourceDateEpoch === undefined ? {} : { sourceDateEpoch };
  const documents = readDocuments(text, name);
  if (documents.length === 0) {
    throw new ComposeImageError("USAGE", `${name}:1:1: there is nothing in it`, {
      hint: "Write builder, base, copy and tags; compose-image schema describes them.",
    });
  }
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

/** What a document says. */
interface DocumentDraft {
  readonly draft: PlanDraft;
  /** The error for what neither it nor a flag says. */
  readonly missing: (part: PlanPart) => ComposeImageError;
  /** Images by the names of image streams. */
  readonly known: ImageStreams["known"];
}

/** Reads documents of either kind, and knows what of the options they made use of. */
class DraftReader {
  readonly #settings: readonly Setting[];
  readonly #variables: Variables;
  readonly #parameters: Variables;
  #hasOwnFormat = false;

  constructor(settings: readonly Setting[], variables: ReadonlyMap<string, string>) {
    this.#settings = settings;
    this.#variables = new Variables(variables);
    this.#parameters = new Variables(
      new Map(settings.flatMap(({ key, text }) => (isParameter(key) ? [[key, text]] : []))),
    );
  }

  read(document: Located, flags: PlanDraft): DocumentDraft {
    if (isKubernetesObject(document)) {
      const set = this.#settings.filter(({ key }) => !isParameter(key)).reduce(applySetting, document);
      const build = isKubernetesObject(set) ? set : document;
      return {
        draft: draftFromBuild(build, this.#parameters, flags.targets?.[0]),
        missing: (part) => missingField(document, part),
        known: {},
      };
    }
    this.#hasOwnFormat = true;
    const set = this.#settings.reduce(applySetting, substituteVariables(document, this.#variables));
    return {
      draft: draftFromComposeFile(set),
      missing: (part) => missingKey(document, part),
      known: imageStreamsIn(set),
    };
  }

  /** What is given and used nowhere was misspelt, here or there. */
  expectAllUsed(name: string): void {
    const [variable] = this.#variables.unused;
    if (variable !== undefined) {
      throw new ComposeImageError("USAGE", `--var ${variable}: nothing in ${name} asks for it`, {
        hint: `Variables are written \${${variable}}, in a compose.yaml; check the name, or leave it out.`,
      });
    }
    const [parameter] = this.#hasOwnFormat ? [] : this.#parameters.unused;
    if (parameter !== undefined) {
      throw new ComposeImageError("USAGE", `--set ${parameter}: nothing in ${name} asks for it`, {
        hint: `Parameters of a Build are written $(${parameter}); its own keys are set by their paths: --set spec.output.image=IMAGE.`,
      });
    }
  }
}

/** A Build has no key worth setting at its top. */
function isParameter(key: string): boolean {
  return !/^(?:spec|metadata)[.[]/.test(key);
}

function withBuilder(flags: PlanDraft, buildRoot: ImageStreamName, streams: ImageStreams): PlanDraft {
  return { ...flags, builder: imageSource(followImageStream(buildRoot, streams)) };
}

/** A builder that a flag names is meant for something. */
function expectBuilderUsed({ copies = [] }: PlanDraft, { builder }: PlanDraft): void {
  if (builder === undefined || copies.length === 0 || copies.some(({ from }) => from === undefined)) return;
  throw new ComposeImageError(
    "USAGE",
    `--builder ${formatCopySource(builder)}: each copy step names another image to take from`,
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
