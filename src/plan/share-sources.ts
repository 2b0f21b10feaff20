import type { CopySource, Stage } from "./compose-plan.ts";
import { formatCopySource } from "./copy-source.ts";

/** Finds one object for all that is copied from the same image, directory or stage, in stages too. */
export class SharedSources {
  readonly #byName = new Map<string, CopySource>();
  readonly #byStage = new Map<Stage, CopySource>();

  /** The source to take in the place of one equal to it. */
  of(source: CopySource): CopySource {
    if (source.kind === "stage") return this.#stage(source.stage);
    const name = source.kind === "local" ? JSON.stringify(source) : formatCopySource(source);
    const known = this.#byName.get(name ?? "") ?? source;
    this.#byName.set(name ?? "", known);
    return known;
  }

  #stage(stage: Stage): CopySource {
    const known = this.#byStage.get(stage);
    if (known !== undefined) return known;
    const copies = stage.copies.map((copy) => ({ ...copy, from: this.of(copy.from) }));
    const source: CopySource = { kind: "stage", stage: { ...stage, copies } };
    this.#byStage.set(stage, source);
    return source;
  }
}
