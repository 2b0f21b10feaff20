import { ComposeImageError } from "../../model/errors.ts";
import type { MirrorPlan } from "../../plan/mirror-plan.ts";
import { faultAt, type Located, mapScalars } from "../yaml/located.ts";
import { readDocuments } from "../yaml/read-documents.ts";
import { substituteVariables, Variables } from "../yaml/substitute.ts";
import { type FileRepository, mirrorFileShape } from "./file-shape.ts";
import type { MapRule } from "./map-rule-shape.ts";
import { expectDistinct, plannedRepository } from "./planned-repository.ts";

/** What goes with a file. */
export interface MirrorFileOptions {
  /** The file's name, for messages. Default `mirror.yaml`. */
  readonly name?: string | undefined;
  /** Values for `${NAME}`. Default none: the environment is not looked at. */
  readonly variables?: Readonly<Record<string, string>> | undefined;
}

/**
 * Turns a `mirror.yaml` into a plan. Touches neither network nor files.
 *
 * @throws ComposeImageError `USAGE`, `REFERENCE_INVALID`, `DIGEST_INVALID`, `PLATFORM_INVALID` with file, line, column and
 *   key; also for variables that nothing asks for, repositories that come twice, two with one target, and rules that can
 *   have no effect.
 */
export function parseMirrorFile(text: string, options: MirrorFileOptions = {}): MirrorPlan {
  const { name = "mirror.yaml" } = options;
  const variables = new Variables(new Map(Object.entries(options.variables ?? {})));
  const document = substituteVariables(withPlainDollars(onlyDocument(text, name)), variables);
  const { repositories = [], hosts = {}, map = [], ...defaults } = mirrorFileShape.read(document);
  expectDistinctRules(map);
  const [unused] = variables.unused;
  if (unused !== undefined) {
    throw new ComposeImageError("USAGE", `--var ${unused}: nothing in ${name} asks for it`, {
      hint: `Variables are written \${${unused}}; check the name, or leave it out.`,
    });
  }
  const planned = repositories.map((repository: FileRepository) =>
    plannedRepository(repository, { ...defaults, map }),
  );
  expectDistinct(planned);
  return { repositories: planned.map(({ repository }) => repository), hosts };
}

/** The first rule that fits counts: another one for the same never does. */
function expectDistinctRules(rules: readonly MapRule[]): void {
  for (const [i, { replace, value }] of rules.entries()) {
    const same = rules.findIndex(
      (other) => other.replace.registry === replace.registry && other.replace.path === replace.path,
    );
    if (same === i) continue;
    throw faultAt(
      value,
      `replaces what map[${same}] replaces already`,
      "The first rule that fits counts; leave one out.",
    );
  }
}

function onlyDocument(text: string, name: string): Located {
  const [document, another] = readDocuments(text, name);
  if (document === undefined) {
    throw new ComposeImageError("USAGE", `${name}:1:1: there is nothing in it`, {
      hint: "Write repositories: with a list of what to mirror; compose-image mirror schema describes it.",
    });
  }
  if (another === undefined) return document;
  throw faultAt(another, "is a second one, and a file has one", "Put all repositories in one list.");
}

/** In regular expressions a dollar sign is no variable unless a brace follows it. */
function withPlainDollars(document: Located): Located {
  return mapScalars(document, (scalar) => {
    if (typeof scalar.value !== "string" || !scalar.path.endsWith(".regex")) return scalar;
    const text = scalar.text.replaceAll(/\$(?![{$])|\$\$/g, "$$$$");
    return { ...scalar, value: text, text };
  });
}
