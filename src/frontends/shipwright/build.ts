import type { ComposeImageError } from "../../model/errors.ts";
import type { ImageLocation } from "../../model/location.ts";
import { parseOwner } from "../../model/owner.ts";
import type { ConfigChanges } from "../../plan/compose-plan.ts";
import { imageSource } from "../../plan/copy-source.ts";
import type { DraftCopy, PlanDraft, PlanPart } from "../../plan/plan-draft.ts";
import { within } from "../../plan/within.ts";
import { faultAt, type Located, type LocatedMap, placeName } from "../yaml/located.ts";
import type { Variables } from "../yaml/substitute.ts";
import { textAt } from "../yaml/text-at.ts";
import { buildShape } from "./build-shape.ts";
import { substituteParameters } from "./parameters.ts";

/** Whether a document is for Kubernetes rather than a `compose.yaml`. */
export function isKubernetesObject(document: Located): document is LocatedMap {
  return document.kind === "map" && (document.entries.has("apiVersion") || document.entries.has("kind"));
}

/**
 * What a Build says. Its output image is the target, and unless a flag says otherwise the builder as well: the image
 * that was just built, before it is replaced.
 *
 * @param parameters values for `$(NAME)`.
 * @param tagged the image that a flag names in the output image's place.
 * @throws ComposeImageError `USAGE`, `REFERENCE_INVALID` with file, line, column and key.
 */
export function draftFromBuild(
  document: LocatedMap,
  parameters: Variables,
  tagged: ImageLocation | undefined,
): PlanDraft {
  expectBuild(document);
  const build = substituteParameters(document, parameters);
  const { runtime = {}, output = {} } = buildShape.read(build).spec ?? {};
  const { base, workDir, env, directories, paths, user, entrypoint } = runtime;
  const labels = { ...output.labels, ...runtime.labels };
  const at = (...keys: string[]): Located => valueAt(build, ["spec", "runtime", ...keys]);
  if (directories !== undefined && paths !== undefined) {
    throw faultAt(
      at("paths"),
      "and directories are two names for the same list",
      "Write all of them below paths.",
    );
  }
  for (const key of ["env", "labels"]) expectNoExpansion(at(key));
  const owner = user && within(placeName(at("user")), () => parseOwner(formatUser(user)));
  const copies = (paths ?? directories)?.map(({ what, source, destination }): DraftCopy => {
    if (workDir !== undefined && !destination.startsWith("/")) {
      throw faultAt(
        at(paths === undefined ? "directories" : "paths"),
        `has the relative destination ${destination} (${what})`,
        "It was meant from the base's working directory, not from workDir: write an absolute path.",
      );
    }
    return {
      sources: [source],
      destination,
      exclude: [],
      link: false,
      ...(owner !== undefined && { chown: owner }),
    };
  });
  const builder = output.image ?? tagged;
  const config: ConfigChanges = {
    ...(env !== undefined && { env }),
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(workDir !== undefined && { workdir: workDir }),
    ...(user !== undefined && { user: formatUser(user) }),
    ...(entrypoint !== undefined && { entrypoint }),
  };
  return {
    ...(builder !== undefined && { builder: imageSource(builder) }),
    ...(base?.image !== undefined && { base: base.image }),
    ...(copies !== undefined && { copies }),
    config,
    ...(output.annotations !== undefined && { annotations: output.annotations }),
    ...(output.image !== undefined && { targets: [output.image] }),
  };
}

/** The error for what neither the Build nor a flag says. */
export function missingField(document: Located, part: PlanPart): ComposeImageError {
  const [field, hint] = missing[part];
  return faultAt(document, `lacks ${field}`, hint);
}

const output = ["spec.output.image", "Write the image's name there, or give --tag."] as const;

const missing: Readonly<Record<PlanPart, readonly [field: string, hint: string]>> = {
  builder: output,
  base: ["spec.runtime.base", "Write base: {image: IMAGE} there, or give --base."],
  copies: ["spec.runtime.paths", "List there what to copy, or give --directory."],
  targets: output,
};

function expectBuild(document: LocatedMap): void {
  const [group = "", version = ""] = textAt(document, "apiVersion").split("/");
  const isKnown = (group === "build.dev" || group === "shipwright.io") && /^v1(?:alpha|beta)1$/.test(version);
  if (isKnown && textAt(document, "kind") === "Build") return;
  throw faultAt(
    document,
    `has the kind ${JSON.stringify(textAt(document, "kind"))} of ${JSON.stringify(textAt(document, "apiVersion"))}, which is not known`,
    "Of Kubernetes' objects Shipwright's Build is, with apiVersion build.dev/v1alpha1 or shipwright.io/v1alpha1, and OpenShift's BuildConfig.",
  );
}

/** In a Dockerfile, which Shipwright would make of it, a dollar sign begins a variable of the base's. */
function expectNoExpansion(texts: Located): void {
  if (texts.kind !== "map") return;
  for (const { value } of texts.entries.values()) {
    if (value.kind !== "scalar" || !/\$(?:\{|[A-Za-z_])/.test(value.text)) continue;
    throw faultAt(
      value,
      `refers to a variable, which is known only where a Dockerfile is built`,
      "Write the value itself.",
    );
  }
}

function valueAt(document: Located, keys: readonly string[]): Located {
  const [key, ...rest] = keys;
  const entry = key !== undefined && document.kind === "map" ? document.entries.get(key) : undefined;
  return entry === undefined ? document : valueAt(entry.value, rest);
}

function formatUser({ name = "", group }: { name?: string; group?: string }): string {
  return group === undefined ? name : `${name}:${group}`;
}
