import { access, constants, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, resolve } from "node:path";
import { type Command, Option } from "commander";
import { errnoOf, localError } from "../../io/local-error.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { visibleJson } from "../../model/visible-text.ts";
import type { ComposeOptions, ComposeResult } from "../../ops/compose.ts";
import type { ComposePlan } from "../../plan/compose-plan.ts";
import { type CacheFlags, cacheDirectory } from "../cache-directory.ts";
import { composeDocument, metadataDocument } from "../compose-documents.ts";
import { describeForecast, summarize } from "../compose-summary.ts";
import { withMovedTags } from "../moved-tags.ts";
import { archivesOnOutput, expectOutputFree } from "../output-archive.ts";
import { addPlanOptions, type PlanFlags } from "../plan-options.ts";
import { startProgress } from "../progress/start-progress.ts";
import { parseCount, parseMemory } from "../quantities.ts";
import { readPlans } from "../read-plans.ts";
import {
  addOutputOptions,
  addRegistryOptions,
  type OutputFlags,
  type RegistryFlags,
  registryOptions,
} from "../shared-options.ts";
import type { Terminal } from "../terminal.ts";

/** Flags of commands that compose. */
export interface ComposingFlags extends RegistryFlags, OutputFlags, CacheFlags {
  readonly dryRun?: boolean | string;
  readonly jobs?: string;
  readonly memoryLimit?: string;
  readonly digestFile?: string;
  readonly metadataFile?: string;
}

const example = `
Example:
  compose-image --builder registry.example/app-builder:sha-1a2b --base registry.example/node-runtime:24 \\
    --directory /opt/app-root/src:/run/app --workdir /run/app --entrypoint '["node","server.js"]' \\
    --tag registry.example/app:1.2.3
  compose-image -f compose.yaml --var VERSION=1.2.3 --tag registry.example/app:latest
  compose-image --dockerfile Dockerfile --build-context build=registry.example/app-builder:sha-1a2b \\
    --tag registry.example/app:1.2.3

Standard output gets one line for each repository the image was pushed to: repository@sha256:…
With --dry-run=full it gets the digest alone.`;

/** Adds `compose`, which is also what runs without a command's name. */
export function addComposeCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("compose", { isDefault: true })
    .summary("take directories out of a builder image, put them on a base image, push the result")
    .description(
      "Takes directories out of a builder image and puts them, as one new layer, on a base image.\nNothing is unpacked, no daemon and no privileges are needed.",
    );
  addRunOptions(addPlanOptions(command))
    .addHelpText("after", example)
    .action(async (flags: PlanFlags & ComposingFlags) =>
      composePlans(await readPlans(flags, terminal), flags, terminal),
    );
}

/** Adds the flags that say how composing runs, how registries are reached and what is printed. */
export function addRunOptions(command: Command): Command {
  command
    .optionsGroup("How to run:")
    .option(
      "--dry-run [full]",
      "push nothing: say what would be moved, or with =full make the layer and say its digest",
    )
    .addOption(new Option("--jobs <n>", "layers read, and blobs pushed, at once").default("4"))
    .addOption(
      new Option("--memory-limit <size>", "most staged content in memory; the rest goes to TMPDIR").default(
        "32M",
      ),
    )
    .option(
      "--cache-dir <dir>",
      "where what base layers hold is kept (default: compose-image in XDG_CACHE_HOME or ~/.cache)",
    )
    .option("--no-cache", "read the base's layers each time, and keep nothing");
  addRegistryOptions(command);
  return addOutputOptions(command)
    .option("--digest-file <file>", "write the image's digest there")
    .option("--metadata-file <file>", "write digests and names there, under BuildKit's keys");
}

/** Composes the images, and tells of them as the flags say. */
export async function composePlans(
  plans: readonly ComposePlan[],
  flags: ComposingFlags,
  terminal: Terminal,
): Promise<void> {
  const { env } = terminal;
  const dryRun = parseDryRun(flags.dryRun);
  const outputArchives = archivesOnOutput(plans);
  if (dryRun === false) expectOutputFree(outputArchives, flags, terminal);
  const movedTags: string[] = [];
  const options: ComposeOptions = {
    ...registryOptions(flags, terminal),
    dryRun,
    jobs: parseCount(flags.jobs ?? "4", "--jobs", 1),
    memoryLimit: parseMemory(flags.memoryLimit ?? "32M", "--memory-limit"),
    temporaryDirectory: tmpdir(),
    cacheDirectory: cacheDirectory(flags, env),
    signal: terminal.signal,
    writeOutput: (content) => terminal.writeWhole(content),
    onTransfer: (event) => {
      if (event.kind === "tagged") movedTags.push(`${event.store}:${event.tag}`);
      progress.listener(event);
    },
  };
  await expectOutputFiles(flags, dryRun, plans.length);
  let progress = startProgress(terminal, flags);
  if (options.cacheDirectory === undefined && flags.cache !== false) {
    const message = "not keeping what the base holds: neither XDG_CACHE_HOME nor HOME names a directory";
    progress.listener({ kind: "note", store: "cache", message });
  }
  // Loaded only now, so that help and wrong usage are answered at once.
  const { composeEach } = await import("../../ops/compose.ts");
  const results: ComposeResult[] = [];
  try {
    for await (const result of composeEach(plans, options)) {
      progress.stop();
      results.push(result);
      await report(result, results, outputArchives.length > 0, flags, terminal);
      progress = startProgress(terminal, flags);
    }
  } catch (error) {
    throw withMovedTags(error, movedTags);
  } finally {
    progress.stop();
  }
  const [only, ...more] = results.map(composeDocument);
  if (flags.json) terminal.write(`${visibleJson(more.length === 0 ? only : [only, ...more])}\n`);
}

/** Tells of an image that is done; `results` are all so far. Where standard output holds an archive, all is told elsewhere. */
async function report(
  result: ComposeResult,
  results: readonly ComposeResult[],
  holdsArchive: boolean,
  flags: ComposingFlags,
  terminal: Terminal,
): Promise<void> {
  const { descriptor, forecast, pushed } = result;
  if (descriptor !== undefined && flags.digestFile !== undefined) {
    const digests = results.flatMap((each) => each.descriptor?.digest ?? []);
    await writeOutput(flags.digestFile, digests.map((digest) => `${digest}\n`).join(""));
  }
  if (descriptor !== undefined && flags.metadataFile !== undefined) {
    await writeOutput(flags.metadataFile, `${JSON.stringify(metadataDocument(result), undefined, 2)}\n`);
  }
  if (!flags.quiet) {
    terminal.writeError(forecast === undefined ? summarize(result) : describeForecast(forecast));
  }
  if (flags.json) return;
  if (flags.dryRun === "full" && descriptor !== undefined) {
    terminal.write(`${descriptor.digest}\n`);
    return;
  }
  const lines = pushed.map(({ name, digest }) => `${name}@${digest}\n`).join("");
  if (!holdsArchive) terminal.write(lines);
  else if (!flags.quiet) terminal.writeError(lines);
}

function parseDryRun(value: boolean | string | undefined): false | "plan" | "full" {
  if (value === undefined || value === false) return false;
  if (value === true) return "plan";
  if (value === "full") return "full";
  throw new ComposeImageError("USAGE", `--dry-run=${value} is not known`, {
    hint: "Use --dry-run or --dry-run=full.",
  });
}

/** Refuses, before anything is pushed, files that cannot get what they are for. */
async function expectOutputFiles(
  { digestFile, metadataFile }: ComposingFlags,
  dryRun: false | "plan" | "full",
  images: number,
): Promise<void> {
  const wrong = (message: string, hint: string): ComposeImageError =>
    new ComposeImageError("USAGE", message, { hint });
  if (metadataFile !== undefined && images > 1) {
    throw wrong(
      `--metadata-file is for one image, and these are ${images}`,
      "Give each image a file of its own, or use --json.",
    );
  }
  if (dryRun === "plan" && (digestFile ?? metadataFile) !== undefined) {
    throw wrong("with --dry-run no image is made that has a digest to write", "Use --dry-run=full.");
  }
  if (
    digestFile !== undefined &&
    metadataFile !== undefined &&
    resolve(digestFile) === resolve(metadataFile)
  ) {
    throw wrong("--digest-file and --metadata-file are the same file", "Name two.");
  }
  for (const path of [digestFile, metadataFile]) {
    if (path !== undefined) await expectWritable(path);
  }
}

/** Makes no file. */
async function expectWritable(path: string): Promise<void> {
  try {
    await access(path, constants.W_OK).catch((error: unknown) => {
      if (errnoOf(error) !== "ENOENT") throw error;
      return access(dirname(resolve(path)), constants.W_OK);
    });
  } catch (cause) {
    throw localError(cause, `cannot write ${path}`, { hint: "Nothing was pushed; name another file." });
  }
}

async function writeOutput(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (cause) {
    throw localError(cause, `cannot write ${path}`, { hint: "The image itself was pushed." });
  }
}
