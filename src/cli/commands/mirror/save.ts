import type { Command } from "commander";
import { ComposeImageError } from "../../../model/errors.ts";
import { parseMirrorPlace } from "../../../model/mirror-place.ts";
import { carryOut } from "../../mirror/carry-out.ts";
import { addMirrorOptions, type MirrorFlags } from "../../mirror/mirror-options.ts";
import type { Terminal } from "../../terminal.ts";

const example = `
Examples:
  compose-image mirror save -f mirror.yaml oci-archive:images.tar
  compose-image mirror save -f mirror.yaml --split 4GB oci-archive:/media/disk/images.tar
  compose-image mirror save -f mirror.yaml --have inventory.json oci-archive:delta.tar

The archive is an OCI image layout in a tar: compose-image serve, skopeo and others read it where it is.
Standard output gets one line for each image. The exit status is 0 when all images are in it, and 9 when some are.`;

/** Adds `mirror save`: from registries to a layout or an archive. */
export function addMirrorSaveCommand(mirror: Command, terminal: Terminal): void {
  const command = mirror
    .command("save")
    .summary("write the images to an archive or a directory")
    .description(
      "Writes the images that a mirror.yaml names to a layout directory or an archive, to be carried where no registry is.\nA directory is brought up to date; an archive is written anew. A run that was cut off is gone on with.",
    )
    .argument("<place>", "where to: oci-archive:FILE or oci:DIR")
    .option("--have <file>", "inventory of the receiver: what it has is left out")
    .option("--split <size>", "write oci-archive:FILE in parts, FILE.001, … with FILE.sha256 (4GB, 700MiB)");
  addMirrorOptions(command)
    .addHelpText("after", example)
    .action((target: string, flags: MirrorFlags) => {
      const place = parseMirrorPlace(target);
      if (place.transport === "registry") {
        throw new ComposeImageError("USAGE", `mirror save writes files, and ${target} is a registry`, {
          hint: `Copy straight to it: compose-image mirror sync -f mirror.yaml ${target}.`,
        });
      }
      return carryOut(place, flags, terminal);
    });
}
