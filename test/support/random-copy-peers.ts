import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createBuildah } from "./buildah.ts";
import { cliArguments, dockerfileOf } from "./copy-case.ts";
import type { PeerOutcome } from "./copy-peers.ts";
import type { ComposeOutcome } from "./image-diff.ts";
import type { RandomCopy } from "./random-copy.ts";
import { runCli } from "./run-cli.ts";
import { putStack, unpackedByUmoci } from "./view-peers.ts";

/** Puts builder and base into a layout, by those names. */
export async function putImages(layout: string, { builder, base }: RandomCopy): Promise<void> {
  await putStack(layout, "builder", builder);
  await putStack(layout, "base", base);
}

/**
 * Asks buildah, from layout to layout.
 *
 * @param layout in `scratch`, by its name there, since buildah makes an image name of it.
 * @throws Error when it fails at something else than copying.
 */
export async function copiedByBuildah(
  { request }: RandomCopy,
  layout: string,
  scratch: string,
): Promise<PeerOutcome> {
  const buildah = await createBuildah(join(scratch, "store"));
  const started = BigInt(Date.now()) * 1_000_000n;
  const dockerfile = dockerfileOf(request, `oci:${layout}:builder`, `oci:${layout}:base`);
  const theirs = join(scratch, "theirs");
  const result = await buildah.attempt({ dockerfile, name: `oci:${theirs}:image`, context: scratch });
  if (result.status === 0) return { outcome: await unpackedByUmoci(theirs, "image", scratch), started };
  if (!result.stderr.includes('building at STEP "COPY ')) throw new Error(`buildah: ${result.stderr}`);
  return { outcome: { kind: "refused", message: result.stderr }, started };
}

/**
 * Asks the built command line, from layout to layout.
 *
 * @throws Error when it fails otherwise than by refusing, or leaves an image although it refuses.
 */
export async function copiedByCli(
  { request }: RandomCopy,
  layout: string,
  scratch: string,
): Promise<ComposeOutcome> {
  const ours = join(scratch, "ours");
  const result = await runCli([
    "compose",
    ...["--builder", `oci:${join(scratch, layout)}:builder`, "--base", `oci:${join(scratch, layout)}:base`],
    ...["--record", "none", "--quiet", "--tag", `oci:${ours}:composed`],
    ...cliArguments(request),
  ]);
  if (result.status === 0) return unpackedByUmoci(ours, "composed", scratch);
  if (!/ \[[A-Z_]+\]$/m.test(result.stderr) || result.stderr.includes("[INTERNAL]")) {
    throw new Error(`exit status ${result.status}: ${result.stderr}`);
  }
  const index = await readFile(join(ours, "index.json"), "utf8").catch(() => '{"manifests":[]}');
  if (JSON.parse(index).manifests.length > 0)
    throw new Error(`an image was pushed, despite ${result.stderr}`);
  return { kind: "refused", message: result.stderr };
}
