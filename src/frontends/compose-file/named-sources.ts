import { ComposeImageError } from "../../model/errors.ts";
import type { CopySource, CopyStep, Stage } from "../../plan/compose-plan.ts";
import { parseCopySource } from "../../plan/copy-source.ts";
import { nearestWord } from "../yaml/nearest.ts";
import type { FileCopy, FromName } from "./copy-shape.ts";
import type { FileStage } from "./stage-shape.ts";

/** What copy steps of a file may name: its builders and its stages. */
export class NamedSources {
  readonly #builders: Readonly<Record<string, CopySource>>;
  readonly #stages: Readonly<Record<string, FileStage>>;
  readonly #made = new Map<string, CopySource>();
  /** Stages that are being read, outermost first. */
  readonly #open: string[] = [];

  /** @throws ComposeImageError `USAGE` for a stage named as a builder is. */
  constructor(builders: Readonly<Record<string, CopySource>>, stages: Readonly<Record<string, FileStage>>) {
    this.#builders = builders;
    this.#stages = stages;
    const twice = Object.keys(stages).find((name) => Object.hasOwn(builders, name));
    if (twice === undefined) return;
    throw new ComposeImageError("USAGE", `${stages[twice]?.what} has the name of a builder`, {
      hint: "Give it another name.",
    });
  }

  /**
   * A builder or stage by its name, or an image. A plain word is a name: else a slip of the pen would be taken for an
   * image.
   *
   * @throws ComposeImageError `USAGE` for an unknown name, and for stages that copy from each other.
   */
  find({ name, what }: FromName): CopySource {
    if (Object.hasOwn(this.#builders, name)) return this.#builders[name] ?? parseCopySource(name, what);
    const stage = Object.hasOwn(this.#stages, name) ? this.#stages[name] : undefined;
    if (stage !== undefined) return this.#stage(name, stage, what);
    if (/[/:@]/.test(name)) return parseCopySource(name, what);
    const names = [...Object.keys(this.#builders), ...Object.keys(this.#stages)];
    const nearest = nearestWord(name, names);
    const meant = nearest === undefined ? "" : `Did you mean ${nearest}? `;
    const known = names.length === 0 ? "There is no key builders." : `Names are ${names.join(", ")}.`;
    throw new ComposeImageError("USAGE", `${what} ${name} is not the name of a builder or stage`, {
      hint: `${meant}${known} An image is written with its tag: ${name}:latest.`,
    });
  }

  #stage(name: string, stage: FileStage, what: string): CopySource {
    const known = this.#made.get(name);
    if (known !== undefined) return known;
    if (this.#open.includes(name)) {
      throw new ComposeImageError(
        "USAGE",
        `${what} ${name} is copied from by ${this.#open.at(-1)}, and the other way round`,
        {
          hint: `Stages copy from each other in a circle: ${[...this.#open, name].join(", ")}.`,
        },
      );
    }
    this.#open.push(name);
    const made: CopySource = { kind: "stage", stage: this.#read(name, stage) };
    this.#open.pop();
    this.#made.set(name, made);
    return made;
  }

  #read(name: string, { base = { kind: "scratch" }, platform, copy = [], workdir, what }: FileStage): Stage {
    return {
      name,
      base,
      ...(platform !== undefined && { platform }),
      copies: copy.map(({ from, ...step }, i): CopyStep => {
        if (from !== undefined) return { ...step, from: this.find(from) };
        throw new ComposeImageError("USAGE", `${what}.copy[${i}] does not say what to copy from`, {
          hint: "Write from: in each copy step of a stage.",
        });
      }),
      config: { ...(workdir !== undefined && { workdir }) },
    };
  }
}

/** A copy step with what it names found. */
export function namedCopy(
  { from, ...step }: FileCopy,
  sources: NamedSources,
): Omit<CopyStep, "from"> & { readonly from?: CopySource } {
  return from === undefined ? step : { ...step, from: sources.find(from) };
}
