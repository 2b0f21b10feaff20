import type { ComposePlan, Stage } from "../../plan/compose-plan.ts";
import { stagesBelow } from "../../plan/stages.ts";

/** Names of stages that a file accepts. */
export const stageNamePattern = "^[A-Za-z][A-Za-z0-9_.-]*$";

/** A name for each stage that files are copied from: its own where it can be, else `stage`, with a number where taken. */
export function stageNames(plan: ComposePlan): ReadonlyMap<Stage, string> {
  const names = new Map<Stage, string>();
  const taken = new Set<string>();
  for (const stage of stagesBelow(plan)) {
    const { name = "" } = stage;
    const wanted = new RegExp(stageNamePattern).test(name) ? name : "stage";
    let free = wanted;
    for (let number = 2; taken.has(free); number++) free = `${wanted}-${number}`;
    taken.add(free);
    names.set(stage, free);
  }
  return names;
}
