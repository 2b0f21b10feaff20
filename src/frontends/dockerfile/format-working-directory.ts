import { ComposeImageError } from "../../model/errors.ts";
import type { ConfigChanges, CopyStep } from "../../plan/compose-plan.ts";
import { isTemplate, type Text, type TextParts } from "../../plan/text.ts";

/** Where a stage that is being written is, by its `WORKDIR`s so far: each is meant from the one before. */
export class WorkingDirectories {
  readonly #final: readonly Text[];
  #current: readonly Text[] = [];

  constructor({ workdir }: Pick<ConfigChanges, "workdir">) {
    this.#final =
      workdir === undefined ? [] : typeof workdir === "string" || isTemplate(workdir) ? [workdir] : workdir;
  }

  /**
   * Where a step copies to, and the directories to be set before it. They are made then: so a step that is meant from the
   * last one is, where that is possible, written from where the stage is.
   *
   * @throws ComposeImageError `FORMAT_UNSUPPORTED` where they do not lead on from those of the steps before.
   */
  before({ workdir, destination }: CopyStep): { readonly set: readonly Text[]; readonly destination: Text } {
    if (workdir !== undefined) return { set: this.#change(workdir), destination };
    if (isAbsolute(destination) || this.#final.length === 0) return { set: [], destination };
    const joined = this.#current.length === 0 ? join([...this.#final, destination]) : undefined;
    if (joined !== undefined) return { set: [], destination: joined };
    return { set: this.#change(this.#final), destination };
  }

  /** The directories to be set at the end. */
  last(): readonly Text[] {
    return this.#change(this.#final);
  }

  #change(wanted: readonly Text[]): readonly Text[] {
    const current = this.#current;
    this.#current = wanted;
    const isOnward = current.every((directory, i) => isSame(directory, wanted[i]));
    if (isOnward) return wanted.slice(current.length);
    const absolute = wanted.findLastIndex(isAbsolute);
    if (absolute >= 0) return wanted.slice(absolute);
    throw new ComposeImageError(
      "FORMAT_UNSUPPORTED",
      "a copy step's working directory is meant from the base's own, after another one was set",
      { hint: "A Dockerfile cannot go back there: write absolute paths." },
    );
  }
}

function isAbsolute(text: Text): boolean {
  const [first = ""] = isTemplate(text) ? text.parts : [text];
  return typeof first === "string" && first.startsWith("/");
}

function isSame(one: Text, other: Text | undefined): boolean {
  const content = (text: Text): string => JSON.stringify(isTemplate(text) ? text.parts : [text]);
  return other !== undefined && content(one) === content(other);
}

/** Paths, each meant from the one before, as one; `undefined` where a variable decides whether one is absolute. */
function join(paths: readonly Text[]): Text | undefined {
  const own = paths.slice(Math.max(0, paths.findLastIndex(isAbsolute)));
  if (own.some((path) => isTemplate(path) && typeof path.parts[0] !== "string")) return undefined;
  const parts = own.flatMap(
    (path, i): TextParts => [...(i === 0 ? [] : ["/"]), ...(isTemplate(path) ? path.parts : [path])],
  );
  const where = own.find(isTemplate)?.where;
  return where === undefined ? parts.join("") : { parts, where };
}
