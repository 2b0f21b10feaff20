import type { Command } from "commander";
import { ComposeImageError } from "../../../model/errors.ts";
import { parseMirrorPlace } from "../../../model/mirror-place.ts";
import { bringIn } from "../../mirror/bring-in.ts";
import { addRunOptions, type RunFlags } from "../../mirror/mirror-options.ts";
import type { Terminal } from "../../terminal.ts";

const example = `
Examples:
  compose-image mirror load oci-archive:images.tar registry.inside:5000
  compose-image mirror load --dry-run oci:images registry.inside:5000/hub

Nothing is written when something that an image needs is neither in the archive nor at the registry.
Standard output gets one line for each image: TARGET:TAG@sha256:…`;

/** Adds `mirror load`: from a layout or an archive to a registry. */
export function addMirrorLoadCommand(mirror: Command, terminal: Terminal): void {
  const command = mirror
    .command("load")
    .summary("bring an archive or a directory to a registry")
    .description(
      "Brings all images of an archive or a layout directory, as mirror save writes them, to a registry. What is there is not\nsent again.",
    )
    .argument("<place>", "oci-archive:FILE or oci:DIR")
    .argument("<target>", "where to: REGISTRY[/PREFIX], or oci:DIR")
    .optionsGroup("How to run:")
    .option("--dry-run", "write nothing: say what would be brought");
  addRunOptions(command)
    .addHelpText("after", example)
    .action((source: string, target: string, flags: RunFlags) => {
      const from = parseMirrorPlace(source);
      if (from.transport === "registry") {
        throw new ComposeImageError("USAGE", `mirror load reads files, and ${source} is a registry`, {
          hint: "Copy from registries with compose-image mirror sync -f mirror.yaml.",
        });
      }
      return bringIn(from, parseMirrorPlace(target), flags, terminal);
    });
}
