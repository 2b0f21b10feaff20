import type { Command } from "commander";
import type { Terminal } from "../../terminal.ts";

/** Adds `mirror schema`: what a mirror.yaml may hold, for editors. */
export function addMirrorSchemaCommand(mirror: Command, terminal: Terminal): void {
  mirror
    .command("schema")
    .summary("print the JSON Schema of mirror.yaml, for editors")
    .description("Prints the JSON Schema (2020-12) of mirror.yaml, for editors.")
    .action(async () => {
      const { mirrorFileSchema } = await import("../../../frontends/mirror-file/json-schema.ts");
      terminal.write(`${JSON.stringify(mirrorFileSchema(), undefined, 2)}\n`);
    });
}
