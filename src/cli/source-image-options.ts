import type { Command } from "commander";
import { contextOf, parseSourceImages, type SourceImageWord } from "../frontends/openshift/source-images.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { CopySource } from "../plan/compose-plan.ts";
import type { DockerfileFlags } from "./dockerfile-options.ts";

/** Flags that fill a build context from images; either holds the words of both, in their order. */
export interface SourceImageFlags {
  readonly sourceImage?: readonly SourceImageWord[];
  readonly sourceImagePath?: readonly SourceImageWord[];
}

/** Adds the flags that fill a build context from images. */
export function addSourceImageOptions(command: Command): Command {
  const words: SourceImageWord[] = [];
  const collectAs =
    (flag: SourceImageWord["flag"]) =>
    (value: string): readonly SourceImageWord[] => {
      words.push({ flag, value });
      return words;
    };
  return command
    .option(
      "--source-image <image>",
      "image that a Dockerfile's COPY takes files from, in the place of --context; repeatable",
      collectAs("--source-image"),
    )
    .option(
      "--source-image-path <src:dst>",
      "what is taken out of the --source-image before it, and the context's directory it goes into; repeatable",
      collectAs("--source-image-path"),
    );
}

/**
 * The build context that images make, where flags ask for it.
 *
 * @throws ComposeImageError `USAGE`, `REFERENCE_INVALID` naming the flag.
 */
export function sourceImageContext(flags: SourceImageFlags & DockerfileFlags): CopySource | undefined {
  const words = wordsOf(flags);
  const [first] = words;
  if (first === undefined) return undefined;
  if (flags.context === undefined) return contextOf(parseSourceImages(words));
  throw new ComposeImageError("USAGE", `--context and ${first.flag} both say what COPY takes files from`, {
    hint: "Give one of them.",
  });
}

/**
 * Refuses them where there is no Dockerfile.
 *
 * @throws ComposeImageError `USAGE`
 */
export function expectNoSourceImages(flags: SourceImageFlags, why: string): void {
  const [first] = wordsOf(flags);
  if (first === undefined) return;
  throw new ComposeImageError("USAGE", `${first.flag} ${first.value}: ${why}`, {
    hint: "Name the Dockerfile: --dockerfile Dockerfile.",
  });
}

function wordsOf({ sourceImage, sourceImagePath }: SourceImageFlags): readonly SourceImageWord[] {
  return sourceImage ?? sourceImagePath ?? [];
}
