import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { blobPath } from "../support/blob-path.ts";
import { run } from "../support/command.ts";
import type { KeptRepository } from "./stand-in-registry.ts";

/** Writes what a stand-in holds of a repository as a mirror's layout has it: referrers are entries without a tag. */
export async function keepLayout(kept: KeptRepository, repository: string, directory: string): Promise<void> {
  await mkdir(join(directory, "blobs", "sha256"), { recursive: true });
  await writeFile(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  for (const [digest, bytes] of kept.blobs) await writeFile(blobPath(directory, digest), bytes);
  for (const [digest, { bytes }] of kept.manifests) await writeFile(blobPath(directory, digest), bytes);
  const entry = (digest: string, annotations: object) => {
    const { mediaType, bytes } = kept.manifests.get(digest) ?? { mediaType: "", bytes: "" };
    return { mediaType, digest, size: bytes.length, annotations };
  };
  const tagged = [...kept.tags].map(([tag, digest]) =>
    entry(digest, { "org.opencontainers.image.ref.name": `${repository}:${tag}` }),
  );
  const referrers = [...kept.manifests]
    .filter(([, { bytes }]) => "subject" in JSON.parse(bytes.toString()))
    .map(([digest]) => entry(digest, { "io.github.compose-image.repository": repository }));
  const index = { schemaVersion: 2, manifests: [...tagged, ...referrers] };
  await writeFile(join(directory, "index.json"), JSON.stringify(index));
}

/** Packs a layout into a tar, as other tools do. */
export async function packLayout(directory: string, file: string): Promise<void> {
  await run("tar", ["-cf", file, "-C", directory, "."]);
}

/**
 * Cuts a file into parts of so many bytes, with their sums in `FILE.sha256`; the file itself stays.
 *
 * @param cut where the parts go, without their numbers.
 */
export async function cutIntoParts(file: string, cut: string, size: number): Promise<void> {
  const bytes = await readFile(file);
  const sums: string[] = [];
  for (let start = 0; start < bytes.byteLength; start += size) {
    const part = bytes.subarray(start, start + size);
    const path = `${cut}.${String(sums.length + 1).padStart(3, "0")}`;
    await writeFile(path, part);
    sums.push(`${createHash("sha256").update(part).digest("hex")}  ${basename(path)}\n`);
  }
  await writeFile(`${cut}.sha256`, sums.join(""));
}
