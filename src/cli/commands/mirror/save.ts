import type { Command } from "commander";
import { ComposeImageError } from "../../../model/errors.ts";
import { parseMirrorPlace } from "../../../model/mirror-place.ts";
import { carryOut } from "../../mirror/carry-out.ts";
import {
  addHaveOption,
  addMirrorOptions,
  addRunOptions,
  type MirrorFlags,
} from "../../mirror/mirror-options.ts";
import { parseSize } from "../../quantities.ts";
import type { Terminal } from "../../terminal.ts";

const example = `
Examples:
  compose-image mirror save -f mirror.yaml oci-archive:images.tar
  compose-image mirror save -f mirror.yaml --split 4GB oci-archive:/media/disk/images.tar
  compose-image mirror save -f mirror.yaml --have inventory.json oci-archive:delta.tar

An archive is an OCI image layout in a tar: compose-image serve, skopeo and others read it where it is.
Standard output gets one line for each image: PLACE:REPOSITORY:TAG@sha256:…
The exit status is 0 when all images are there, and 9 when some are and some could not be copied.`;

/** Adds `mirror save`: from registries to a layout or an archive. */
export function addMirrorSaveCommand(mirror: Command, terminal: Terminal): void {
  const command = mirror
    .command("save")
    .summary("write the images to an archive or a directory")
    .description(
      "Writes the images that a mirror.yaml names to an archive or a layout directory, to be carried to another network. An archive is written anew; a directory is added to. A run that was cut off is gone on with.",
    )
    .argument("<place>", "where to: oci-archive:FILE or oci:DIR");
  addHaveOption(addMirrorOptions(command))
    .optionsGroup("How to run:")
    .option("--split <size>", "write oci-archive:FILE in parts, FILE.001, … with FILE.sha256 (4GB, 700MiB)");
  addRunOptions(command)
    .addHelpText("after", example)
    .action(async (target: string, flags: MirrorFlags) => {
      const place = parseMirrorPlace(target);
      if (place.transport === "registry") {
        throw new ComposeImageError("USAGE", `mirror save writes files, and ${target} is a registry`, {
          hint: `A file is written oci-archive:${target}, a directory oci:${target}. Straight to a registry copies compose-image mirror sync -f mirror.yaml ${target}.`,
        });
      }
      if (flags.split !== undefined) {
        const { expectSplittable } = await import("../../../store/archive/open-archive-target.ts");
        expectSplittable(place, parseSize(flags.split, "--split"));
      }
      return carryOut(place, flags, terminal);
    });
}
