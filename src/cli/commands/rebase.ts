import type { Command } from "commander";
import { ComposeImageError } from "../../model/errors.ts";
import { type ImageLocation, parseLocation } from "../../model/location.ts";
import { parseImage } from "../../plan/images.ts";
import { type CacheFlags, cacheDirectory } from "../cache-directory.ts";
import { addPushingOptions, addTargetOptions, type PushingFlags, pushing, reportPushed } from "../pushing.ts";
import { describeRebased, rebasedDocument } from "../rebase-report.ts";
import { addOutputOptions, addRegistryOptions } from "../shared-options.ts";
import type { Terminal } from "../terminal.ts";

interface RebaseFlags extends PushingFlags, CacheFlags {
  readonly oldBase?: string;
  readonly newBase?: string;
  readonly force?: boolean;
}

const example = `
Example:
  compose-image rebase registry.example/app:1.2.3 --new-base registry.example/node-runtime:24.1 \\
    --tag registry.example/app:1.2.3-patched

The old base is what the image says it was made on: org.opencontainers.image.base.name and .digest, or what buildpacks
say. It is proven, layer by layer. Of an index every platform is rebased, unless --platform says which.`;

/** Adds `rebase`: an existing image on another base. */
export function addRebaseCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command("rebase")
    .summary("put an existing image onto another base")
    .description(
      "Replaces the base's layers of an existing image by those of another base, and pushes the result. The application's\nlayers stay as they are; its settings stay, and those of the old base become the new one's.",
    )
    .argument("<image>", "a registry reference, oci:DIR[:TAG], oci-archive:FILE or docker-archive:FILE")
    .option("--new-base <image>", "image to put it onto")
    .option("--old-base <image>", "image it was made on (default: what it says itself)");
  addTargetOptions(command).option(
    "--force",
    "also what is marked as not to be rebased, or has a layer that does not fit the new base",
  );
  addPushingOptions(command)
    .option(
      "--cache-dir <dir>",
      "where what layers hold is kept (default: compose-image in XDG_CACHE_HOME or ~/.cache)",
    )
    .option("--no-cache", "read the layers each time, and keep nothing");
  addRegistryOptions(command);
  addOutputOptions(command)
    .addHelpText("after", example)
    .action((image: string, flags: RebaseFlags) => rebase(image, flags, terminal));
}

async function rebase(image: string, flags: RebaseFlags, terminal: Terminal): Promise<void> {
  const { oldBase, newBase, force } = flags;
  if (newBase === undefined) {
    throw new ComposeImageError("USAGE", "--new-base is missing", {
      hint: "Name the image to put it onto, for example --new-base registry.example/node-runtime:24.1.",
    });
  }
  const images = {
    image: parseLocation(image),
    newBase: parseBase(newBase, "--new-base"),
    ...(oldBase !== undefined && { oldBase: parseBase(oldBase, "--old-base") }),
  };
  const directory = cacheDirectory(flags, terminal.env);
  const { rebaseImage } = await import("../../ops/rebase-image.ts");
  const result = await pushing(flags, terminal, (targets, options) =>
    rebaseImage({ ...images, targets }, { ...options, force, cacheDirectory: directory }),
  );
  reportPushed(result.pushed, describeRebased(result), rebasedDocument(result), flags, terminal);
}

/** @throws ComposeImageError `USAGE` for scratch, which is no image. */
function parseBase(text: string, flag: string): ImageLocation {
  if (text !== "scratch") return parseImage(text, flag);
  throw new ComposeImageError("USAGE", `${flag} scratch: there is no such image`, {
    hint: "Rebasing puts the layers of one base in the place of another's: name an image that has layers.",
  });
}
