import type { Buildah } from "./buildah.ts";
import { inputReference } from "./compose-images.ts";
import { type CopyCase, cliArguments, dockerfileOf } from "./copy-case.ts";
import type { ComposeOutcome } from "./image-diff.ts";
import type { Registry } from "./registry.ts";
import { runCli } from "./run-cli.ts";
import { temporaryDirectory } from "./temp.ts";
import { readTree } from "./tree.ts";
import { skopeoConfig, unpack } from "./unpack.ts";

/** What a peer made of a case, and when it began, in nanoseconds since 1970. */
export interface PeerOutcome {
  readonly outcome: ComposeOutcome;
  readonly started: bigint;
}

/** Asks buildah, whose store holds the inputs under their names. */
export async function composeWithBuildah(buildah: Buildah, request: CopyCase): Promise<PeerOutcome> {
  const started = BigInt(Date.now()) * 1_000_000n;
  const dockerfile = dockerfileOf(request, `localhost/${request.builder ?? "builder"}`, "localhost/base");
  const result = await buildah.attempt({ dockerfile, name: "composed" });
  if (result.status !== 0) return { outcome: { kind: "refused", message: result.stderr }, started };
  const image = `oci:${await temporaryDirectory("composed")}/layout:image`;
  await buildah.push("composed", image);
  return { outcome: await imageOutcome(image), started };
}

/** What the command line said, beside the outcome. */
export interface CliOutcome {
  readonly outcome: ComposeOutcome;
  /** Exit status. */
  readonly status: number | null;
  /** Its one line, `HOST/NAME@DIGEST`; empty when refused. */
  readonly pinned: string;
}

/** Asks the built command line, with the inputs in a registry, into `fixture/composed:TAG` of the same one. */
export async function composeWithCli(
  registry: Registry,
  request: CopyCase,
  tag: string,
): Promise<CliOutcome> {
  const result = await runCli([
    "compose",
    "--builder",
    inputReference(registry, request.builder ?? "builder"),
    "--base",
    inputReference(registry, "base"),
    "--record",
    "none",
    "--tag",
    `${registry.host}/fixture/composed:${tag}`,
    ...cliArguments(request),
  ]);
  const { status } = result;
  if (status !== 0) {
    return { outcome: { kind: "refused", message: result.stderr }, status, pinned: "" };
  }
  const pinned = result.stdout.trim();
  return { outcome: await imageOutcome(`docker://${pinned}`), status, pinned };
}

const outcomesByDigest = new Map<string, Promise<ComposeOutcome>>();

/** An image's tree and config; one digest is unpacked once, wherever it is. */
export async function imageOutcome(image: string): Promise<ComposeOutcome> {
  const digest = /@(sha256:[0-9a-f]{64})$/.exec(image)?.[1];
  if (digest === undefined) return unpackedOutcome(image);
  const known = outcomesByDigest.get(digest) ?? unpackedOutcome(image);
  outcomesByDigest.set(digest, known);
  return known;
}

async function unpackedOutcome(image: string): Promise<ComposeOutcome> {
  const { config } = await skopeoConfig(image);
  const tree = await readTree(await unpack(image));
  return { kind: "image", tree, config: config as Record<string, unknown> };
}
