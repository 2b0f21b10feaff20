import type { Command } from "commander";
import { ComposeImageError } from "../../model/errors.ts";
import type { Terminal } from "../terminal.ts";
import { addMirrorConfigCommand } from "./mirror/config.ts";
import { addMirrorDiffCommand } from "./mirror/diff.ts";
import { addMirrorInventoryCommand } from "./mirror/inventory.ts";
import { addMirrorLoadCommand } from "./mirror/load.ts";
import { addMirrorSaveCommand } from "./mirror/save.ts";
import { addMirrorSchemaCommand } from "./mirror/schema.ts";
import { addMirrorSyncCommand } from "./mirror/sync.ts";
import { addMirrorVerifyCommand } from "./mirror/verify.ts";

const example = `
Example, over an air gap, and later what is new:
  compose-image mirror save -f mirror.yaml oci-archive:images.tar
  compose-image mirror load oci-archive:images.tar registry.inside:5000
  compose-image mirror inventory registry.inside:5000 > inventory.json
  compose-image mirror save -f mirror.yaml --have inventory.json oci-archive:delta.tar
  compose-image mirror load oci-archive:delta.tar registry.inside:5000

In a mirror.yaml:
  repositories:
    - name: docker.io/library/debian
      tags: [bookworm, {regex: '12\\.[0-9]+'}]
      latest: 3

compose-image mirror sync --help and the like say what each takes.`;

/** Adds `mirror` with its subcommands: many images, from many repositories, to one place. */
export function addMirrorCommand(program: Command, terminal: Terminal): void {
  const mirror = program
    .command("mirror")
    .summary("mirror many images into a registry, or over an air gap")
    .description(
      "Copies the images that a mirror.yaml names, with all platforms and signatures and every digest kept: straight to another registry, or by way of an archive or a layout directory.",
    )
    .addHelpText("after", example)
    .action(() => {
      throw new ComposeImageError("USAGE", "mirror does nothing by itself", {
        hint: "Say what to do: compose-image mirror sync -f mirror.yaml REGISTRY, for example; --help lists the others.",
      });
    });
  addMirrorSyncCommand(mirror, terminal);
  addMirrorSaveCommand(mirror, terminal);
  addMirrorLoadCommand(mirror, terminal);
  addMirrorVerifyCommand(mirror, terminal);
  addMirrorInventoryCommand(mirror, terminal);
  addMirrorDiffCommand(mirror, terminal);
  addMirrorConfigCommand(mirror, terminal);
  addMirrorSchemaCommand(mirror, terminal);
}
