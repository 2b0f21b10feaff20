import type { Command } from "commander";
import { ComposeImageError } from "../../../model/errors.ts";
import { parseMirrorPlace } from "../../../model/mirror-place.ts";
import { carryOut } from "../../mirror/carry-out.ts";
import { addMirrorOptions, addRunOptions, type MirrorFlags } from "../../mirror/mirror-options.ts";
import { keepPartsOption } from "../../parts-directory.ts";
import type { Terminal } from "../../terminal.ts";

const example = `
Examples:
  compose-image mirror sync -f mirror.yaml registry.inside:5000
  compose-image mirror sync -f mirror.yaml --locked registry.inside:5000/hub

Standard output gets one line for each image: TARGET:TAG@sha256:…
The exit status is 0 when all images are there, and 9 when some are and some could not be copied.`;

/** Adds `mirror sync`: from registries to a registry. */
export function addMirrorSyncCommand(mirror: Command, terminal: Terminal): void {
  const command = mirror
    .command("sync")
    .summary("copy the images to another registry")
    .description(
      "Copies the images that a mirror.yaml names to another registry. What is there is not sent again. An image that fails is told at the end, and the others are copied.",
    )
    .argument("<registry>", "where to: REGISTRY or REGISTRY/PREFIX");
  addRunOptions(addMirrorOptions(command))
    .optionsGroup("How to run:")
    .addOption(keepPartsOption())
    .addHelpText("after", example)
    .action((target: string, flags: MirrorFlags) => {
      const place = parseMirrorPlace(target);
      if (place.transport !== "registry") {
        throw new ComposeImageError("USAGE", `mirror sync copies to a registry, and ${target} is none`, {
          hint: `Save it there: compose-image mirror save -f mirror.yaml ${target}.`,
        });
      }
      return carryOut(place, flags, terminal);
    });
}
