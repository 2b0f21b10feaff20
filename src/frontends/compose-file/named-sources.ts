import { ComposeImageError } from "../../model/errors.ts";
import type { CopySource, CopyStep, Stage } from "../../plan/compose-plan.ts";
import { parseCopySource } from "../../plan/copy-source.ts";
import { faultAt, type Located } from "../yaml/located.ts";
import { nearestWord } from "../yaml/nearest.ts";
import type { FileCopy, FromName } from "./copy-shape.ts";
import type { FileStage } from "./stage-shape.ts";

/** What copy steps of a file may name. */
export interface Names {
  readonly builders: Readonly<Record<string, CopySource>>;
  readonly stages: Readonly<Record<string, FileStage>>;
  /** What `context` is, where nothing else has the name; by default the current directory. */
  readonly context: string | undefined;
  /** What says what of the context is left out; by default its `.dockerignore`. */
  readonly ignoreFiles: readonly string[] | undefined;
}

/** Most stages that copy from each other in a row: more come of no hand, and would exhaust the stack. */
const maxDepth = 1000;

/** Finds what copy steps of a file name: its builders, its stages and its context. */
export class NamedSources {
  readonly #names: Names;
  readonly #context: CopySource;
  readonly #made = new Map<string, CopySource>();
  /** Stages that are being read, outermost first. */
  readonly #open: string[] = [];

  /** @throws ComposeImageError `USAGE` for two things of one name. */
  constructor(document: Located, names: Names) {
    const { builders, stages, context, ignoreFiles } = names;
    this.#names = names;
    this.#context = {
      kind: "local",
      directory: context ?? ".",
      ...(ignoreFiles !== undefined && { ignoreFiles }),
    };
    const twice = Object.keys(stages).find((name) => Object.hasOwn(builders, name));
    if (twice !== undefined) throw nameTaken(document, `a stage and a builder of the name ${twice}`, "one");
    const key = context !== undefined ? "context" : "ignoreFiles";
    if (context === undefined && ignoreFiles === undefined) return;
    const kind = Object.hasOwn(builders, "context") ? "builder" : "stage";
    if (Object.hasOwn(builders, "context") || Object.hasOwn(stages, "context"))
      throw nameTaken(document, `the key ${key}, and a ${kind} of the name context`, `the ${kind}`);
  }

  /**
   * What a name stands for, or an image or directory. A plain word is a name: else a slip of the pen would be taken for
   * an image.
   *
   * @throws ComposeImageError `USAGE` for an unknown name, and for stages that copy from each other.
   */
  find({ name, what }: FromName): CopySource {
    const { builders, stages } = this.#names;
    const builder = Object.hasOwn(builders, name) ? builders[name] : undefined;
    if (builder !== undefined) return builder;
    const stage = Object.hasOwn(stages, name) ? stages[name] : undefined;
    if (stage !== undefined) return this.#stage(name, stage, what);
    if (name === "context") return this.#context;
    if (/[/:@]|^[.~]/.test(name)) return parseCopySource(name, what);
    const names = [...Object.keys(builders), ...Object.keys(stages)];
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
    if (this.#open.length === maxDepth) {
      throw new ComposeImageError("USAGE", `${what} ${name}: more than ${maxDepth} stages in a row`, {
        hint: "Write the copies of several stages into one.",
      });
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

function nameTaken(document: Located, what: string, which: string): ComposeImageError {
  return faultAt(document, `has ${what}`, `Call ${which} something else.`);
}

/** A copy step with what it names found. */
export function namedCopy(
  { from, ...step }: FileCopy,
  sources: NamedSources,
): Omit<CopyStep, "from"> & { readonly from?: CopySource } {
  return from === undefined ? step : { ...step, from: sources.find(from) };
}
