import type { Command } from "commander";
import { ComposeImageError } from "../../model/errors.ts";
import { isRepository, parseReference } from "../../model/reference.ts";
import { accessDocument, accessFailure, describeAccess } from "../access-report.ts";
import { startProgress } from "../progress/start-progress.ts";
import {
  addOutputOptions,
  addRegistryOptions,
  type OutputFlags,
  type RegistryFlags,
  registryOptions,
} from "../shared-options.ts";
import type { Terminal } from "../terminal.ts";

interface ExplainFlags extends RegistryFlags, OutputFlags {
  readonly push?: boolean;
  readonly mountFrom?: string;
}

const example = `
Examples:
  compose-image auth explain registry.example/team/app:1
  compose-image auth explain registry.example/team/app:1 --push --mount-from team/base

Nothing is written or begun at the registry, and no secret is printed. The exit status is 0 when the image can be
pulled (with --push: and nothing says that it cannot be pushed), and 3 when not.`;

/** Adds `auth explain`: how a registry lets in, and where it does not. */
export function addAuthCommand(program: Command, terminal: Terminal): void {
  const auth = program
    .command("auth")
    .summary("find out about credentials")
    .action(() => {
      throw new ComposeImageError("USAGE", "auth does nothing by itself", {
        hint: "Say what to find out about: compose-image auth explain IMAGE.",
      });
    });
  const command = auth
    .command("explain")
    .summary("say how a registry lets in to an image, and where it does not")
    .description(
      "Says which file, key or helper has credentials for an image, what the registry asks for, which scopes\nthat takes, and where it fails.",
    )
    .argument("<image>", "a registry reference")
    .option("--push", "fail when the image cannot be pushed, too")
    .option("--mount-from <repository>", "also ask for what mounting blobs of another repository takes");
  addRegistryOptions(command);
  addOutputOptions(command)
    .addHelpText("after", example)
    .action((image: string, flags: ExplainFlags) => explain(image, flags, terminal));
}

async function explain(image: string, flags: ExplainFlags, terminal: Terminal): Promise<void> {
  const reference = parseReference(image);
  const { mountFrom, push = false } = flags;
  if (mountFrom !== undefined && !isRepository(mountFrom)) {
    throw new ComposeImageError("USAGE", `--mount-from ${mountFrom} is not a repository`, {
      hint: "Name it without its registry: --mount-from team/base.",
    });
  }
  const progress = startProgress(terminal, flags);
  const options = {
    ...registryOptions(flags, terminal),
    signal: terminal.signal,
    onTransfer: progress.listener,
  };
  const { explainAccess } = await import("../../ops/explain-access.ts");
  const explanation = await explainAccess({ reference, mountFrom }, options).finally(() => progress.stop());
  const failure = accessFailure(explanation, push);
  if (flags.json) {
    terminal.write(`${JSON.stringify(accessDocument(reference, explanation, failure), undefined, 2)}\n`);
  } else {
    terminal.write(describeAccess(reference, explanation));
  }
  if (failure !== undefined) throw failure;
}
