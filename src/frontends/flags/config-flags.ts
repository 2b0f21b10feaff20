import { ComposeImageError } from "../../model/errors.ts";
import { oneOf } from "../../plan/choices.ts";
import { type ConfigEdit, removableFields } from "../../plan/config-edit.ts";
import { parseExposedPorts } from "../../plan/exposed-ports.ts";
import { parseStopSignal } from "../../plan/stop-signal.ts";
import { parseVolume } from "../../plan/volume.ts";
import { type ConfigFlags, configChanges } from "./config-changes.ts";
import { parsePairs } from "./pairs.ts";

/** What `compose-image config` is told by its flags. */
export interface ConfigEditFlags extends ConfigFlags {
  readonly annotation?: readonly string[] | undefined;
  readonly indexAnnotation?: readonly string[] | undefined;
  readonly volume?: readonly string[] | undefined;
  readonly stopSignal?: string | undefined;
  readonly unsetEnv?: readonly string[] | undefined;
  readonly unsetLabel?: readonly string[] | undefined;
  readonly unsetAnnotation?: readonly string[] | undefined;
  readonly unsetIndexAnnotation?: readonly string[] | undefined;
  readonly unsetExpose?: readonly string[] | undefined;
  readonly unsetVolume?: readonly string[] | undefined;
  readonly unset?: readonly string[] | undefined;
}

/**
 * What the flags change of an image.
 *
 * @throws ComposeImageError `USAGE` naming the flag; also where there is none.
 */
export function parseConfigFlags(flags: ConfigEditFlags): ConfigEdit {
  const { volume = [], stopSignal, unsetExpose = [], unsetVolume = [], unset = [] } = flags;
  const edit: ConfigEdit = {
    changes: {
      ...configChanges(flags),
      ...(volume.length > 0 && { volumes: volume.map((path) => parseVolume(path, "--volume")) }),
      ...(stopSignal !== undefined && { stopSignal: parseStopSignal(stopSignal, "--stop-signal") }),
    },
    annotations: parsePairs(flags.annotation, "--annotation"),
    indexAnnotations: parsePairs(flags.indexAnnotation, "--index-annotation"),
    removed: {
      env: names(flags.unsetEnv, "--unset-env"),
      labels: names(flags.unsetLabel, "--unset-label"),
      exposedPorts: unsetExpose.flatMap((item) => parseExposedPorts(item, "--unset-expose")),
      volumes: unsetVolume.map((path) => parseVolume(path, "--unset-volume")),
      fields: unset.map((field) => oneOf(field, removableFields, "--unset")),
      annotations: names(flags.unsetAnnotation, "--unset-annotation"),
      indexAnnotations: names(flags.unsetIndexAnnotation, "--unset-index-annotation"),
    },
  };
  if (isNothing(edit)) {
    throw new ComposeImageError("USAGE", "nothing to change: no --env, --label or other change is given", {
      hint: "Say what to change, for example --label team=blue.",
    });
  }
  return edit;
}

function isNothing({ changes, annotations, indexAnnotations, removed }: ConfigEdit): boolean {
  const parts: readonly object[] = [changes, annotations, indexAnnotations, ...Object.values(removed)];
  return parts.every((part) => Object.keys(part).length === 0);
}

/** Names to be removed: what is set takes a value, what is removed takes none. */
function names(items: readonly string[] = [], flag: string): readonly string[] {
  const wrong = items.find((item) => item === "" || (flag === "--unset-env" && item.includes("=")));
  if (wrong === undefined) return items;
  throw new ComposeImageError("USAGE", `${flag} ${wrong} is not a name`, {
    hint: `Write ${flag} NAME, without a value.`,
  });
}
