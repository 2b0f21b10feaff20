import { formatPlatform, type Platform } from "../model/platform.ts";
import type { CopySource, Stage } from "./compose-plan.ts";
import { formatCopySource } from "./copy-source.ts";

/**
 * Finds one object for all that is copied from the same image, directory or stage, in stages too. A stage that is no more
 * than an image is that image.
 */
export class SharedSources {
  readonly #byName = new Map<string, CopySource>();
  readonly #byStage = new Map<Stage, CopySource>();
  readonly #platform: string | undefined;

  /** @param platform that builders are for where nothing else is said: stages need not say it. */
  constructor(platform: Platform | undefined) {
    this.#platform = platform && formatPlatform(platform);
  }

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
    const { platform, ...rest } = stage;
    const isUsual = platform === undefined || formatPlatform(platform) === this.#platform;
    const { base, config } = stage;
    if (isUsual && base.kind === "image" && stage.copies.length === 0 && config.workdir === undefined) {
      return this.of({ kind: "image", location: base.location });
    }
    const copies = stage.copies.map((copy) => ({ ...copy, from: this.of(copy.from) }));
    const source: CopySource = { kind: "stage", stage: { ...(isUsual ? rest : stage), copies } };
    this.#byStage.set(stage, source);
    return source;
  }
}
