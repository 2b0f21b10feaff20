import { ComposeImageError } from "../model/errors.ts";
import type { ImageStreamName, ImageStreams } from "../plan/image-streams.ts";
import type { PlanDraft, PlanPart } from "../plan/plan-draft.ts";
import { draftFromComposeFile, missingKey } from "./compose-file/compose-file.ts";
import { imageStreamsIn } from "./compose-file/image-streams-shape.ts";
import { draftForPlatforms } from "./dockerfile/platform-drafts.ts";
import { isBuildConfig, missingInBuildConfig, readBuildConfig } from "./openshift/build-config.ts";
import { draftFromDockerBuild } from "./openshift/docker-build.ts";
import { draftFromBuild, isKubernetesObject, missingField } from "./shipwright/build.ts";
import type { Located } from "./yaml/located.ts";
import { applySetting, type Setting } from "./yaml/settings.ts";
import { substituteVariables, Variables } from "./yaml/substitute.ts";
import { textAt } from "./yaml/text-at.ts";

/** What goes with documents. */
export interface DocumentOptions {
  readonly settings: readonly Setting[];
  /** Values for `${NAME}`. */
  readonly variables: ReadonlyMap<string, string>;
  /** Values for `ARG` in a Dockerfile. */
  readonly buildArgs: Readonly<Record<string, string>> | undefined;
  /** Where image streams are pulled from. */
  readonly registry: ImageStreams["registry"];
}

/** What a document says. */
export interface DocumentDraft {
  readonly draft: PlanDraft;
  /** The error for what neither it nor a flag says. */
  readonly missing: (part: PlanPart) => ComposeImageError;
  /** Images by the names of image streams. */
  readonly known: ImageStreams["known"];
}

/**
 * A document, or the objects of a `List` of Kubernetes, such as `oc new-build` prints. Image streams beside BuildConfigs
 * say nothing of what is built.
 */
export function itemsOf(document: Located): Located[] {
  if (textAt(document, "kind") !== "List" || document.kind !== "map") return [document];
  const items = document.entries.get("items")?.value;
  if (items?.kind !== "list") return [document];
  const objects = items.items.filter((item) => textAt(item, "kind") !== "ImageStream");
  return objects.length === 0 ? [document] : objects;
}

/**
 * Refuses arguments for a Dockerfile where no document has one.
 *
 * @param name the file's, for messages.
 * @throws ComposeImageError `USAGE`
 */
export function expectDockerfile(
  documents: readonly Located[],
  buildArgs: Readonly<Record<string, string>>,
  name: string,
): void {
  const [argument] = Object.keys(buildArgs);
  if (argument === undefined || documents.some(isBuildConfig)) return;
  throw new ComposeImageError("USAGE", `--build-arg ${argument}: ${name} is no Dockerfile`, {
    hint: "Name the Dockerfile: --dockerfile Dockerfile; variables of a compose.yaml are given by --var.",
  });
}

/**
 * Refuses flags that say what the Dockerfile of a BuildConfig says itself.
 *
 * @throws ComposeImageError `USAGE`
 */
export function expectNoCopyFlags(
  documents: readonly Located[],
  { builder, base, copies }: PlanDraft,
  buildRoot: ImageStreamName | undefined,
): void {
  const [flag] = [
    ...(builder === undefined ? [] : ["--builder"]),
    ...(buildRoot === undefined ? [] : ["--builder-from-repository"]),
    ...(base === undefined ? [] : ["--base"]),
    ...(copies === undefined ? [] : ["--directory"]),
  ];
  if (flag === undefined || !documents.some(isBuildConfig)) return;
  throw new ComposeImageError("USAGE", `${flag} has no meaning with a BuildConfig`, {
    hint: "Its Dockerfile says it; --set spec.KEY=VALUE and --replace FROM=TO change it.",
  });
}

/** Reads documents of every kind, and knows what of the options they made use of. */
export class DocumentReader {
  readonly #options: DocumentOptions;
  readonly #variables: Variables;
  readonly #parameters: Variables;
  readonly #kinds = new Set<"own" | "Build">();

  constructor(options: DocumentOptions) {
    this.#options = options;
    this.#variables = new Variables(options.variables);
    this.#parameters = new Variables(
      new Map(options.settings.flatMap(({ key, text }) => (isParameter(key) ? [[key, text]] : []))),
    );
  }

  /**
   * @param flags what is put over it.
   * @throws ComposeImageError `USAGE`, `REFERENCE_INVALID`, `PLATFORM_INVALID` with file, line and column.
   */
  read(document: Located, flags: PlanDraft): DocumentDraft {
    if (isBuildConfig(document)) {
      const { registry, buildArgs } = this.#options;
      const set = this.#withFields(document);
      const build = readBuildConfig(isBuildConfig(set) ? set : document, { registry });
      return {
        draft: draftForPlatforms(flags.platforms, build.place.where, (platform) =>
          draftFromDockerBuild(build, { buildArgs, platform }),
        ),
        missing: (part) => missingInBuildConfig(document, part),
        known: {},
      };
    }
    if (isKubernetesObject(document)) {
      const set = this.#withFields(document);
      const build = isKubernetesObject(set) ? set : document;
      this.#kinds.add("Build");
      return {
        draft: draftFromBuild(build, this.#parameters, flags.targets?.[0]),
        missing: (part) => missingField(document, part),
        known: {},
      };
    }
    const { settings } = this.#options;
    const set = settings.reduce(applySetting, substituteVariables(document, this.#variables));
    this.#kinds.add("own");
    return {
      draft: draftFromComposeFile(set),
      missing: (part) => missingKey(document, part),
      known: imageStreamsIn(set),
    };
  }

  /**
   * What is given and used nowhere was misspelt, here or there.
   *
   * @param name the file's, for messages.
   * @throws ComposeImageError `USAGE`
   */
  expectAllUsed(name: string): void {
    const [variable] = this.#variables.unused;
    if (variable !== undefined) {
      throw new ComposeImageError("USAGE", `--var ${variable}: nothing in ${name} asks for it`, {
        hint: `Variables are written \${${variable}}, in a compose.yaml; check the name, or leave it out.`,
      });
    }
    const [parameter] = this.#kinds.has("own") ? [] : this.#parameters.unused;
    if (parameter !== undefined) {
      throw new ComposeImageError("USAGE", `--set ${parameter}: nothing in ${name} asks for it`, {
        hint: this.#kinds.has("Build")
          ? `Parameters of a Build are written $(${parameter}); its own keys are set by their paths: --set spec.output.image=IMAGE.`
          : "Keys of a BuildConfig are set by their paths: --set spec.output.to.name=IMAGE.",
      });
    }
  }

  /** An object of Kubernetes with the settings that are no parameters. */
  #withFields(document: Located): Located {
    return this.#options.settings.filter(({ key }) => !isParameter(key)).reduce(applySetting, document);
  }
}

/** An object of Kubernetes has no key worth setting at its top. */
function isParameter(key: string): boolean {
  return !/^(?:spec|metadata)[.[]/.test(key);
}
