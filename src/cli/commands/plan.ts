import type { Command } from "commander";
import { addPlanOptions, type PlanFlags } from "../plan-options.ts";
import { readPlans } from "../read-plans.ts";
import type { Terminal } from "../terminal.ts";

const planExamples = `
Examples:
  compose-image plan -f compose.yaml --var VERSION=1.2.3
  compose-image plan -f build.yaml > compose.yaml

What is printed is a compose.yaml with every reference, path and default written out. It composes the same image.`;

/** Adds `plan`: what would be composed, as YAML. Touches no network. */
export function addPlanCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("plan")
    .summary("print what would be composed, as a compose.yaml")
    .description("Prints what file and flags come to, as a compose.yaml. Nothing is asked of any registry.");
  addPlanOptions(command)
    .optionsGroup("What to print:")
    .option("--verbose", "the causes of errors")
    .addHelpText("after", planExamples)
    .action(async (flags: PlanFlags) => {
      const plans = await readPlans(flags, terminal);
      const { formatPlans } = await import("../../frontends/compose-file/format-plans.ts");
      terminal.write(formatPlans(plans));
    });
}

/** Adds `schema`: what a compose.yaml may hold, for editors. */
export function addSchemaCommand(program: Command, terminal: Terminal): void {
  program
    .command("schema")
    .summary("print the JSON Schema of compose.yaml, for editors")
    .description("Prints the JSON Schema (2020-12) of a document of compose.yaml, for editors.")
    .action(async () => {
      const { composeFileSchema } = await import("../../frontends/compose-file/json-schema.ts");
      terminal.write(`${JSON.stringify(composeFileSchema(), undefined, 2)}\n`);
    });
}
