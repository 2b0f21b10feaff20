import type { ComposeImageError } from "../../model/errors.ts";
import type { Instruction } from "./instructions/instruction.ts";
import type { DockerfileStage } from "./parse-dockerfile.ts";

/**
 * The error for what is not done here, with what to do instead.
 *
 * @param isTarget whether the stage is the one that becomes the image.
 * @param howToGive says how an image is given in the place of a stage.
 */
export function needsExecution(
  { keyword, source }: Extract<Instruction, { keyword: "RUN" | "ONBUILD" }>,
  { name }: DockerfileStage,
  isTarget: boolean,
  howToGive: (name: string) => string,
): ComposeImageError {
  if (keyword === "ONBUILD") {
    return source.fault(
      "ONBUILD is for images that others build on, which is not supported",
      "Leave it out, and write its instruction where it is meant to happen.",
    );
  }
  const what = "RUN would execute something, which is not done here";
  if (isTarget) {
    return source.fault(
      what,
      `Move it to the base image, or to a stage of its own that this one copies from: an image of that can be given (${howToGive("NAME")}).`,
    );
  }
  if (name === undefined) {
    return source.fault(
      what,
      `Give the stage a name (FROM … AS NAME), build it elsewhere, and name the image: ${howToGive("NAME")}.`,
    );
  }
  return source.fault(
    what,
    `Build the stage elsewhere (docker build --target ${name}), and name the image: ${howToGive(name)}.`,
  );
}
