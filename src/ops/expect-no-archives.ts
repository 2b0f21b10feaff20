import { sniffCompression } from "../codec/compression.ts";
import type { FileNode } from "../layers/file-node.ts";
import { ComposeImageError } from "../model/errors.ts";

/** A file that `ADD` takes. */
export interface AddedFile {
  /** The instruction's place, for messages. */
  readonly where: string;
  /** The path, or the pattern that matches it. */
  readonly source: string;
}

/**
 * Refuses files that `ADD` would unpack: archives, and what is packed and might be one, whatever their names are.
 *
 * @throws ComposeImageError `USAGE`; as reading the files does.
 */
export async function expectNoArchives(files: ReadonlyMap<FileNode, AddedFile>): Promise<void> {
  for (const [{ localFiles, offset, size }, { where, source }] of files) {
    if (localFiles === undefined || !(await isArchive(localFiles.read(offset, size)))) continue;
    throw new ComposeImageError("USAGE", `${where}: ADD would unpack ${source}, which is not done here`, {
      hint: "Unpack it before, and copy the directory with COPY; or use COPY to have the archive itself.",
    });
  }
}

async function isArchive(content: AsyncIterable<Uint8Array> | Uint8Array): Promise<boolean> {
  const head = Buffer.from(content instanceof Uint8Array ? content : await firstChunk(content));
  if (sniffCompression(head) !== "none") return true;
  const begins = (magic: string): boolean => head.toString("hex", 0, 6).startsWith(magic);
  const isBzip2 = begins("425a68");
  const isXz = begins("fd377a585a00");
  return isBzip2 || isXz || head.toString("latin1", 257, 262) === "ustar";
}

/** Local files come in chunks that are larger than a header. */
async function firstChunk(content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  for await (const chunk of content) return chunk;
  return new Uint8Array();
}
