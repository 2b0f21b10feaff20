import type { Command } from "commander";
import { type ConfigEditFlags, parseConfigFlags } from "../../frontends/flags/config-flags.ts";
import { parseLocation } from "../../model/location.ts";
import { removableFields } from "../../plan/config-edit.ts";
import { collectOption } from "../collect-option.ts";
import { addConfigOptions } from "../config-options.ts";
import { configuredDocument, describeConfigured } from "../config-report.ts";
import { addPushingOptions, addTargetOptions, type PushingFlags, pushing, reportPushed } from "../pushing.ts";
import { addOutputOptions, addRegistryOptions } from "../shared-options.ts";
import type { Terminal } from "../terminal.ts";

type ConfigFlags = PushingFlags & ConfigEditFlags;

const example = `
Example:
  compose-image config registry.example/app:1.2.3 --label org.example.team=blue --env LOG_LEVEL=info \\
    --tag registry.example/app:1.2.3-blue

Of an index every platform is changed, unless --platform says which. Only manifests and configurations are made anew;
layers stay as they are. Attestations of changed images are left out of the index: they are about the old ones.`;

/** Adds `config`: changes of an existing image's configuration and annotations. */
export function addConfigCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("config")
    .summary("change environment, labels, entrypoint or annotations of an existing image")
    .description(
      "Changes configuration and annotations of an existing image, of all its platforms, and pushes the result.\nNo layer is touched.",
    )
    .argument("<image>", "a registry reference, oci:DIR[:TAG], oci-archive:FILE or docker-archive:FILE");
  addTargetOptions(command).optionsGroup("What to set:");
  addConfigOptions(command, { workdir: "none is made", owner: "the image's" })
    .option("--volume <path>", "directory that is a volume; repeatable", collectOption)
    .option("--stop-signal <signal>", "signal that ends the container")
    .option("--index-annotation <key=value>", "annotation of the index; repeatable", collectOption)
    .optionsGroup("What to take out:")
    .option("--unset-env <name>", "environment variable; repeatable", collectOption)
    .option("--unset-label <key>", "label; repeatable", collectOption)
    .option("--unset-annotation <key>", "annotation of the manifest; repeatable", collectOption)
    .option("--unset-index-annotation <key>", "annotation of the index; repeatable", collectOption)
    .option("--unset-expose <port[/proto]>", "port; repeatable", collectOption)
    .option("--unset-volume <path>", "volume; repeatable", collectOption)
    .option("--unset <field>", `one of ${removableFields.join(", ")}; repeatable`, collectOption);
  addPushingOptions(command);
  addRegistryOptions(command);
  addOutputOptions(command)
    .addHelpText("after", example)
    .action((image: string, flags: ConfigFlags) => configure(image, flags, terminal));
}

async function configure(image: string, flags: ConfigFlags, terminal: Terminal): Promise<void> {
  const location = parseLocation(image);
  const edit = parseConfigFlags(flags);
  const { configureImage } = await import("../../ops/configure-image.ts");
  const result = await pushing(flags, terminal, (targets, options) =>
    configureImage(location, edit, targets, options),
  );
  reportPushed(result.pushed, describeConfigured(result), configuredDocument(result), flags, terminal);
}
