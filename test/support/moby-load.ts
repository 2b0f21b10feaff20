import { createHash } from "node:crypto";
import { posix } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import type { ReadEntry } from "./read-image.ts";
import { readTarMembers } from "./read-tar.ts";

/** An image as docker would have it after loading an archive. */
export interface LoadedImage {
  /** The configuration's digest: what docker calls the image's id. */
  readonly id: string;
  readonly names: readonly string[];
  /** Tar archives, bottom first. */
  readonly layers: readonly Buffer[];
}

/**
 * Reads an archive as `docker load` does, by moby's image/tarexport: `manifest.json` is what counts; each image's layers
 * are as many as the configuration's diff_ids; each is unpacked by its first bytes, and then has to have its diff_id;
 * every name has a tag.
 *
 * @throws Error for an archive that docker would refuse.
 */
export async function mobyLoad(archive: Uint8Array): Promise<LoadedImage[]> {
  const members = await readTarMembers(archive);
  const items: unknown = JSON.parse(memberAt(members, "manifest.json").toString());
  if (!Array.isArray(items)) throw new Error("manifest.json is not a list");
  return items.map((item: { Config: string; RepoTags: string[] | null; Layers: string[] }) => {
    const config = memberAt(members, item.Config);
    const { os, rootfs }: { os: string; rootfs: { diff_ids: string[] } } = JSON.parse(config.toString());
    if (os !== "linux") throw new Error(`an image for ${os}`);
    if (rootfs.diff_ids.length !== item.Layers.length)
      throw new Error("layers and diff_ids differ in number");
    const layers = item.Layers.map((path, i) => {
      const tar = unpacked(memberAt(members, path));
      if (digestOf(tar) !== rootfs.diff_ids[i])
        throw new Error(`${path} has not the diff_id of layer ${i + 1}`);
      return tar;
    });
    for (const name of item.RepoTags ?? []) if (!/:[^/:]+$/.test(name)) throw new Error(`${name} has no tag`);
    return { id: digestOf(config), names: item.RepoTags ?? [], layers };
  });
}

function memberAt(members: ReadonlyMap<string, ReadEntry>, path: string): Buffer {
  const name = posix.join("/", path).slice(1);
  const found = members.get(name);
  if (found?.header.type === "symlink") {
    return memberAt(members, posix.join(posix.dirname(name), found.header.linkname ?? ""));
  }
  if (found?.header.type !== "file") throw new Error(`the archive has no file ${path}`);
  return found.content;
}

function unpacked(bytes: Buffer): Buffer {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return gunzipSync(bytes);
  return bytes.readUInt32LE() === 0xfd2fb528 ? zstdDecompressSync(bytes) : bytes;
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
