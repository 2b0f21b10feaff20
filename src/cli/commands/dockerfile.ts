import type { Command } from "commander";
import { ComposeImageError } from "../../model/errors.ts";
import { addPlanOptions, type PlanFlags } from "../plan-options.ts";
import { readPlans } from "../read-plans.ts";
import type { Terminal } from "../terminal.ts";

const examples = `
Examples:
  compose-image dockerfile compose.yaml --var VERSION=1.2.3
  compose-image explain registry.example/app:1.2.3 | compose-image dockerfile -

Built by docker or buildah, it makes the same files and the same configuration; times of directories, history and digest are
the builder's own. A comment at its beginning says how it is built.`;

/** Adds `dockerfile`: what would be composed, in words that everybody knows. Touches no network. */
export function addDockerfileCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("dockerfile")
    .summary("print the equivalent Dockerfile of a plan")
    .description(
      "Prints a Dockerfile that makes the image that file and flags describe. Nothing is asked of any registry.",
    )
    .argument("[plan]", "the file, as for --file");
  addPlanOptions(command)
    .optionsGroup("What to print:")
    .option("--verbose", "the causes of errors")
    .addHelpText("after", examples)
    .action(async (file: string | undefined, flags: PlanFlags) => {
      const [plan, ...more] = await readPlans(withFile(file, flags), terminal);
      if (plan === undefined || more.length > 0) {
        throw new ComposeImageError(
          "USAGE",
          `a Dockerfile makes one image, and these are ${more.length + 1}`,
          {
            hint: "Give one document of the file alone, on standard input: compose-image dockerfile -.",
          },
        );
      }
      const { formatDockerfile } = await import("../../frontends/dockerfile/format-dockerfile.ts");
      terminal.write(formatDockerfile(plan));
    });
}

function withFile(file: string | undefined, flags: PlanFlags): PlanFlags {
  if (file === undefined) return flags;
  if (flags.file === undefined) return { ...flags, file };
  throw new ComposeImageError("USAGE", `the file is given twice: ${file} and --file ${flags.file}`, {
    hint: "Name one of them.",
  });
}
