import type { Command } from "commander";
import { parseMirrorPlace } from "../../../model/mirror-place.ts";
import { addScopeOptions, addSurveyOptions, type SurveyFlags, survey } from "../../mirror/survey.ts";
import { addQuietOptions } from "../../shared-options.ts";
import type { Terminal } from "../../terminal.ts";

const example = `
Example:
  compose-image mirror inventory registry.inside:5000 > inventory.json

Carry it to the other side, for mirror save --have inventory.json. The repositories are those that the registry lists;
where it lists none, -f mirror.yaml names them.`;

/** Adds `mirror inventory`: what a place has, for deltas. */
export function addMirrorInventoryCommand(mirror: Command, terminal: Terminal): void {
  const command = mirror
    .command("inventory")
    .summary("list what a place has, for mirror save --have")
    .description(
      "Lists all manifests and blobs that a registry, a layout directory or an archive has, as a JSON document, so that they are left out of what is saved for it. Only what is there is listed; what is missing is warned of.",
    )
    .argument("<place>", "REGISTRY[/PREFIX], oci:DIR or oci-archive:FILE");
  addSurveyOptions(addScopeOptions(command));
  addQuietOptions(command)
    .addHelpText("after", example)
    .action(async (text: string, flags: SurveyFlags) => {
      const { takeInventory } = await import("../../../mirror/take-inventory.ts");
      const { formatInventory } = await import("../../../mirror/inventory.ts");
      const inventory = await survey(parseMirrorPlace(text), flags, terminal, takeInventory);
      terminal.write(formatInventory(inventory).toString());
    });
}
