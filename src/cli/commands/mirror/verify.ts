import type { Command } from "commander";
import { type MirrorPlace, parseMirrorPlace } from "../../../model/mirror-place.ts";
import { visibleJson } from "../../../model/visible-text.ts";
import { openMirrorLock } from "../../mirror/mirror-lock.ts";
import { readInventory } from "../../mirror/read-inventory.ts";
import { readMirrorFile } from "../../mirror/read-mirror-file.ts";
import { addSurveyOptions, type SurveyFlags, survey } from "../../mirror/survey.ts";
import {
  describeVerification,
  verificationDocument,
  verificationFailure,
} from "../../mirror/verify-report.ts";
import type { Terminal } from "../../terminal.ts";

const example = `
Examples:
  compose-image mirror verify oci-archive:images.tar
  compose-image mirror verify --have inventory.json oci-archive:delta.tar
  compose-image mirror verify -f mirror.yaml --locked registry.inside:5000

The exit status is 0 when all is there and whole, 4 when something is missing, and 6 when something is damaged.`;

interface VerifyFlags extends SurveyFlags {
  readonly have?: string;
  readonly lock?: string;
  readonly locked?: boolean;
  readonly json?: boolean;
}

/** Adds `mirror verify`: whether all of a place is there and whole. */
export function addMirrorVerifyCommand(mirror: Command, terminal: Terminal): void {
  const command = mirror
    .command("verify")
    .summary("read every byte of a place again, and say what is missing or damaged")
    .description(
      "Reads every byte that a registry, a layout directory or an archive has, and compares it with its digest. All that is\nnamed has to be there: what indexes and manifests are made of, and what refers to them.",
    )
    .argument("<place>", "REGISTRY[/PREFIX], oci:DIR or oci-archive:FILE")
    .option(
      "--locked",
      "all images of the lock file have to be there, with what referred to them; goes with --file",
    )
    .option("--have <file>", "of a delta: the inventory that it was saved with; what is there may be missing")
    .option("--lock <file>", "lock file (default: FILE with .lock.json)");
  addSurveyOptions(command)
    .option("--json", "one JSON document on standard output")
    .addHelpText("after", example)
    .action((text: string, flags: VerifyFlags) => verify(parseMirrorPlace(text), flags, terminal));
}

async function verify(place: MirrorPlace, flags: VerifyFlags, terminal: Terminal): Promise<void> {
  const expected = flags.locked ? await lockOf(flags, terminal) : undefined;
  const have = flags.have === undefined ? undefined : await readInventory(flags.have, terminal);
  const { verifySite } = await import("../../../mirror/verify-site.ts");
  const { partFaults } = await import("../../../mirror/part-faults.ts");
  const found = await survey(place, flags, terminal, (site, options, call) =>
    verifySite(site, { ...options, expected, have, checkParts: (inner) => partFaults(place, inner) }, call),
  );
  if (flags.json) terminal.write(`${visibleJson(verificationDocument(found))}\n`);
  else terminal.write(describeVerification(found));
  const failure = verificationFailure(found);
  if (failure !== undefined) throw failure;
}

async function lockOf(flags: VerifyFlags, terminal: Terminal) {
  const { file, lock } = flags;
  const { ComposeImageError } = await import("../../../model/errors.ts");
  if (file === undefined) {
    throw new ComposeImageError("USAGE", "--locked needs the mirror.yaml that the lock file is for", {
      hint: "Name it with --file.",
    });
  }
  const plan = await readMirrorFile({ ...flags, file }, terminal);
  const found = await openMirrorLock(
    { file, locked: true, ...(lock !== undefined && { lock }) },
    plan,
    { isWritten: false },
    terminal,
  );
  return found.given;
}
