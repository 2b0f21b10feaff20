import type { Command } from "commander";
import { draftFromFlags } from "../../frontends/flags/compose-flags.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { formatLocation, parseLocation } from "../../model/location.ts";
import { isIndexMediaType } from "../../model/media-types.ts";
import type { RecordedComposition } from "../../ops/read-record.ts";
import type { ComposePlan } from "../../plan/compose-plan.ts";
import { completePlan, overlayDraft, type PlanDraft, type PlanPart } from "../../plan/plan-draft.ts";
import { parseReplacement, replaceReferences } from "../../plan/replace-references.ts";
import { type AskingFlags, asking } from "../asking.ts";
import { addChangeOptions, type PlanFlags } from "../plan-options.ts";
import { epochOf } from "../read-plans.ts";
import { taggedLocation } from "../recorded-file.ts";
import type { Terminal } from "../terminal.ts";
import { addRunOptions, type ComposingFlags, composePlans } from "./compose.ts";

type RecomposeFlags = PlanFlags & ComposingFlags & AskingFlags;

const examples = `
Examples:
  compose-image recompose registry.example/app:1.2.3
  compose-image recompose registry.example/app:1.2.3 --base registry.example/node-runtime:26 --tag registry.example/app:1.2.4

Builders and base are taken by the references the image has on record, as these stand now. Without --tag the image takes
the place of the one it was named by. Flags change the plan as they change a file: explain --floating prints it.`;

/** Adds `recompose`: the same again, with what builder and base are now. */
export function addRecomposeCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("recompose")
    .summary("compose an image again, with what its builder and base are now")
    .description(
      "Reads what an image was made from, and composes it again with what builder and base are now, or with others.",
    )
    .argument("<image>", "an image that compose-image made: a registry reference or oci:DIR[:TAG]");
  addRunOptions(addChangeOptions(command))
    .addHelpText("after", examples)
    .action((image: string, flags: RecomposeFlags) => recompose(image, flags, terminal));
}

async function recompose(image: string, flags: RecomposeFlags, terminal: Terminal): Promise<void> {
  const location = parseLocation(image);
  const upper = draftFromFlags(flags);
  const { readRecord } = await import("../../ops/read-record.ts");
  const { draftFromRecord } = await import("../../ops/recorded-plan.ts");
  const composition = await asking(flags, terminal, (options) => readRecord(location, options));
  const lower = draftFromRecord(composition, "floating");
  const plan = completed(composition, lower, upper, flags.replace ?? [], terminal);
  await composePlans([plan], flags, terminal);
}

/** @throws ComposeImageError `USAGE` for what neither record nor flags say, and for a flag without effect. */
function completed(
  { location, resolved, edits }: RecordedComposition,
  recorded: PlanDraft,
  flags: PlanDraft,
  replace: readonly string[],
  terminal: Terminal,
): ComposePlan {
  const name = formatLocation(location);
  const target = taggedLocation(location);
  if (flags.targets === undefined && isIndexMediaType(resolved.mediaType)) {
    throw new ComposeImageError(
      "USAGE",
      `${name} is an index, and would be replaced by one platform's image`,
      {
        hint: "Name another place with --tag, and the platform with --platform.",
      },
    );
  }
  const [edit] = edits;
  if (edit !== undefined) {
    throw new ComposeImageError(
      "USAGE",
      `${name} would lose what compose-image config has changed: ${edit}`,
      {
        hint: "Print the plan with compose-image explain --floating, put the changes into it, and compose from that.",
      },
    );
  }
  const own = { ...recorded, ...(target !== undefined && { targets: [target] }) };
  const epoch = epochOf(terminal);
  const lower: PlanDraft = epoch === undefined ? {} : { sourceDateEpoch: epoch };
  const draft = overlayDraft(overlayDraft(lower, own), flags);
  if (flags.builder !== undefined && draft.copies?.every(({ from }) => from !== undefined)) {
    throw new ComposeImageError("USAGE", `--builder: ${name} was made from several builders`, {
      hint: "Say which is meant by its reference: --replace OLD=NEW; compose-image explain lists them.",
    });
  }
  const plan = completePlan(draft, (part) => missing(part, name));
  return replaceReferences(plan, replace.map(parseReplacement));
}

function missing(part: PlanPart, name: string): ComposeImageError {
  const [what, hint] = missingParts[part];
  return new ComposeImageError("USAGE", `${name}: ${what}`, { hint });
}

const missingParts: Readonly<Record<PlanPart, readonly [what: string, hint: string]>> = {
  builder: [
    "a builder had no name that others could use",
    "Name the image to take directories from with --builder.",
  ],
  base: ["its base had no name that others could use", "Name the image to build on with --base."],
  copies: ["its record has no copies", "Name what to take with --directory."],
  targets: [
    "it is named by its digest, which only the composed bytes can decide",
    "Say with --tag where the image goes.",
  ],
};
