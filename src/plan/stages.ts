import type { Stage } from "./compose-plan.ts";

/** The stages that files are copied from, through others too: each once, and after those that it copies from itself. */
export function stagesBelow(stage: Stage): Stage[] {
  const found = new Set<Stage>();
  const visit = ({ copies }: Stage): void => {
    for (const { from } of copies) {
      if (from.kind !== "stage" || found.has(from.stage)) continue;
      visit(from.stage);
      found.add(from.stage);
    }
  };
  visit(stage);
  return [...found];
}
