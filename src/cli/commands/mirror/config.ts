import { join } from "node:path";
import { type Command, Option } from "commander";
import { ComposeImageError } from "../../../model/errors.ts";
import { parseMirrorPlace } from "../../../model/mirror-place.ts";
import { type FarSideFormat, farSideFiles, farSideFormats } from "../../mirror/far-side-files.ts";
import { addFileOptions, type MirrorFlags } from "../../mirror/mirror-options.ts";
import { readMirrorFile } from "../../mirror/read-mirror-file.ts";
import type { Terminal } from "../../terminal.ts";
import { writeNewFile } from "../../write-new-file.ts";

const example = `
Examples:
  compose-image mirror config -f mirror.yaml --format registries.conf registry.inside:5000 > mirror.conf
  compose-image mirror config -f mirror.yaml --format hosts.toml --output certs.d registry.inside:5000
  compose-image mirror config -f mirror.yaml --format openshift registry.inside:5000 | oc apply -f -`;

interface ConfigFlags extends Pick<MirrorFlags, "file" | "var"> {
  readonly format: FarSideFormat;
  readonly output?: string;
  readonly insecure?: boolean;
}

/** Adds `mirror config`: what makes machines pull from a mirror. */
export function addMirrorConfigCommand(mirror: Command, terminal: Terminal): void {
  const command = mirror
    .command("config")
    .summary("print what makes machines pull from the mirror")
    .description(
      "Prints configuration by which the machines of a site pull from the mirror what they ask for by its old name: registries.conf for podman, buildah, skopeo and CRI-O, hosts.toml for containerd, mirror sets for OpenShift. Nothing is asked of any registry.",
    )
    .argument("<registry>", "the mirror: REGISTRY or REGISTRY/PREFIX");
  addFileOptions(command)
    .optionsGroup("What to print:")
    .addOption(new Option("--format <format>", "for whom").choices([...farSideFormats]).makeOptionMandatory())
    .option("--output <dir>", "write files into this directory, in place of standard output")
    .option("--insecure", "the mirror speaks plain HTTP, or its certificate is not to be verified")
    .option("--verbose", "the causes of errors")
    .addHelpText("after", example)
    .action((target: string, flags: ConfigFlags) => printConfig(target, flags, terminal));
}

async function printConfig(target: string, flags: ConfigFlags, terminal: Terminal): Promise<void> {
  const place = parseMirrorPlace(target);
  if (place.transport !== "registry") {
    throw new ComposeImageError("USAGE", `machines pull from a registry, and ${target} is none`, {
      hint: "Name the registry that the images are loaded into, or that serves them.",
    });
  }
  const plan = await readMirrorFile(flags, terminal);
  const { format, output, insecure = false } = flags;
  const files = await farSideFiles(plan, place, format, insecure);
  for (const { path, text } of files) {
    if (output !== undefined) await writeNewFile(join(output, path), text);
    else terminal.write(files.length > 1 ? `# ${path}\n${text}` : text);
  }
}
