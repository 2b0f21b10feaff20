import type { Command } from "commander";
import { parseRegistryName } from "../../model/reference.ts";
import { startProgress } from "../progress/start-progress.ts";
import { describeRegistry, registryDocument } from "../registry-report.ts";
import {
  addOutputOptions,
  addRegistryOptions,
  type OutputFlags,
  type RegistryFlags,
  registryOptions,
} from "../shared-options.ts";
import type { Terminal } from "../terminal.ts";

interface DoctorFlags extends RegistryFlags, OutputFlags {}

const example = `
Examples:
  compose-image doctor registry.example
  compose-image doctor registry.example/team/scratch --json

In the repository, a few hundred bytes are pushed and read back as blobs and manifests, without a tag, and removed as far
as the registry allows. The exit status is 0 when composing to it would work, 3 when it does not let in, 5 when it cannot
be reached, and 7 when it rejects what compose sends.`;

/** Adds `doctor`: what a registry supports. */
export function addDoctorCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("doctor")
    .summary("try what a registry supports")
    .description("Tries what a registry supports, with your credentials, and says what compose does instead.")
    .argument("<registry>", "host[:port], or host[:port]/repository to try pushing in");
  addRegistryOptions(command);
  addOutputOptions(command)
    .addHelpText("after", example)
    .action(async (text: string, flags: DoctorFlags) => {
      const name = parseRegistryName(text);
      const progress = startProgress(terminal, flags);
      const { probeRegistry } = await import("../../ops/probe-registry.ts");
      const report = await probeRegistry(name, {
        ...registryOptions(flags, terminal),
        signal: terminal.signal,
        onTransfer: progress.listener,
      }).finally(() => progress.stop());
      if (flags.json) terminal.write(`${JSON.stringify(registryDocument(report), undefined, 2)}\n`);
      else terminal.write(describeRegistry(report));
      if (report.failure !== undefined) throw report.failure;
    });
}
