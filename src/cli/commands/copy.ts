import { tmpdir } from "node:os";
import { type Command, Option } from "commander";
import { isArchive, standardOutput } from "../../model/location.ts";
import { parsePlatform } from "../../model/platform.ts";
import { visibleJson } from "../../model/visible-text.ts";
import type { CopyOptions } from "../../ops/copy-images.ts";
import { copiedName, copyDocument, summarizeCopy } from "../copy-report.ts";
import { withMovedTags } from "../moved-tags.ts";
import { expectOutputFree } from "../output-archive.ts";
import { keepPartsOption, partsDirectory } from "../parts-directory.ts";
import { startProgress } from "../progress/start-progress.ts";
import { parseCount, parseSize } from "../quantities.ts";
import {
  addOutputOptions,
  addRegistryOptions,
  type OutputFlags,
  type RegistryFlags,
  registryOptions,
} from "../shared-options.ts";
import type { Terminal } from "../terminal.ts";

interface CopyFlags extends RegistryFlags, OutputFlags {
  readonly platform?: string;
  readonly allTags?: boolean;
  /** `false` for `--no-referrers`. */
  readonly referrers?: boolean;
  readonly dryRun?: boolean;
  readonly jobs?: string;
  readonly split?: string;
  readonly keepParts?: string;
}

const places = "a registry reference, oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:IMAGE]";

const example = `
Example:
  compose-image copy registry.example/app:1.2.3 mirror.example/app
  compose-image copy --all-tags registry.example/app oci:app

Standard output gets one line for each image: TARGET:TAG@sha256:…`;

/** Adds `copy`: an image from one place to another, as it is. */
export function addCopyCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("copy")
    .summary("copy an image, all its platforms and signatures, with its digest kept")
    .description(
      "Copies an image or an index from one place to another, with all platforms, signatures and attestations. No digest changes.\nWhat the target has is not sent, and a copy that was cut off is taken up where it was.",
    )
    .argument("<source>", places)
    .argument("<target>", "the same; without a tag, the source's")
    .option("--all-tags", "every tag of the repository, layout or archive")
    .option("--platform <os/arch>", "of an index the manifest for this platform alone")
    .option("--no-referrers", "leave signatures, attestations and other referrers behind")
    .option("--split <size>", "write oci-archive:FILE in parts, FILE.001, … with FILE.sha256 (4GB, 700MiB)")
    .optionsGroup("How to run:")
    .option("--dry-run", "write nothing: say what would be moved")
    .addOption(new Option("--jobs <n>", "blobs and manifests under way at once").default("4"))
    .addOption(keepPartsOption());
  addRegistryOptions(command);
  addOutputOptions(command)
    .addHelpText("after", example)
    .action((source: string, target: string, flags: CopyFlags) => runCopy(source, target, flags, terminal));
}

async function runCopy(
  sourceText: string,
  targetText: string,
  flags: CopyFlags,
  terminal: Terminal,
): Promise<void> {
  const { allTags = false, referrers = true, dryRun = false, platform, jobs = "4", split } = flags;
  const partSize = split === undefined ? undefined : parseSize(split, "--split");
  // Loaded only now, so that help and wrong usage are answered at once.
  const { copyImages } = await import("../../ops/copy-images.ts");
  const { expectSplittable } = await import("../../store/archive/open-archive-target.ts");
  const { parseCopyLocations } = await import("../../ops/copy-locations.ts");
  const { source, target } = parseCopyLocations(sourceText, targetText, allTags);
  const { location } = target;
  const goesToOutput = isArchive(location) && location.file === standardOutput && !dryRun;
  if (partSize !== undefined) expectSplittable(location, partSize);
  if (goesToOutput) expectOutputFree([location], flags, terminal);
  const movedTags: string[] = [];
  const options: CopyOptions = {
    ...registryOptions(flags, terminal),
    ...{ allTags, referrers, dryRun, partSize, partsDirectory: partsDirectory(flags) },
    platform: platform === undefined ? undefined : parsePlatform(platform),
    jobs: parseCount(jobs, "--jobs", 1),
    temporaryDirectory: tmpdir(),
    signal: terminal.signal,
    writeOutput: (content) => terminal.writeWhole(content),
    onTransfer: (event) => {
      if (event.kind === "tagged") movedTags.push(`${event.store}:${event.tag}`);
      progress.listener(event);
    },
  };
  const progress = startProgress(terminal, flags);
  const result = await copyImages(source, target, options)
    .catch((error: unknown) => {
      throw withMovedTags(error, movedTags);
    })
    .finally(() => progress.stop());
  if (!flags.quiet) terminal.writeError(summarizeCopy(result));
  if (flags.json) return terminal.write(`${visibleJson(copyDocument(result))}\n`);
  const lines = result.images.map((image) => `${copiedName(result.target, image)}\n`).join("");
  if (!goesToOutput) terminal.write(lines);
  else if (!flags.quiet) terminal.writeError(lines);
}
