import type { Call } from "../../src/io/call.ts";
import type { LayoutStore } from "../../src/store/layout/layout-store.ts";
import { type ByteString, bytesOfText } from "../../src/tar/byte-string.ts";
import type { EntryType, TarHeader } from "../../src/tar/entry.ts";
import { bodyPadding, encodeHeader, endOfArchive } from "../../src/tar/writer.ts";
import { writeImage, writeLayer } from "./write-image.ts";

/** Tags in the layout, and names in registries, of images nobody has but everything must bear. */
export const extremeNames = {
  /** A million entries, each file with a name, a content and a time of its own. */
  million: "bench/million:1",
  /** A file of 10 GiB of zeros, packed a thousand times smaller. */
  zeros: "bench/zeros:1",
} as const;

/** What is copied out of either. */
export const extremeFolder = "/opt/extreme";

/** Makes the images and puts them into a layout. */
export async function writeExtremeImages(layout: LayoutStore, call: Call): Promise<void> {
  for (const [image, tar] of [
    ["million", millionEntries],
    ["zeros", zeros],
  ] as const) {
    const layer = await writeLayer(layout, { createdBy: image, tar }, 1, call);
    await writeImage(layout, extremeNames[image], [layer], {}, call);
  }
}

/** A hundred directories with a hundred in each, and 99 files in each of those. */
async function* millionEntries(): AsyncGenerator<Uint8Array> {
  let serial = 0;
  for (let outer = 0; outer < 100; outer++) {
    for (let inner = 0; inner < 100; inner++) {
      const directory = `${extremeFolder}/package-${outer}/lib-${inner}`;
      const pieces: Uint8Array[] = [header("directory", directory, 0, serial)];
      for (let file = 0; file < 99; file++) {
        serial += 1;
        const content = Buffer.from(`export const serial = ${serial};\n`.repeat(10));
        const name = ((serial * 2654435761) % 2 ** 32).toString(16).padStart(8, "0");
        pieces.push(header("file", `${directory}/module-${name}.js`, content.byteLength, serial));
        pieces.push(content, bodyPadding(content.byteLength));
      }
      yield Buffer.concat(pieces);
    }
  }
  yield endOfArchive;
}

async function* zeros(): AsyncGenerator<Uint8Array> {
  const size = 10 * 1024 ** 3;
  const chunk = Buffer.alloc(1024 * 1024);
  yield header("file", `${extremeFolder}/zeros`, size, 0);
  for (let left = size; left > 0; left -= chunk.byteLength) yield chunk;
  yield endOfArchive;
}

const noXattrs: ReadonlyMap<ByteString, ByteString> = new Map();

function header(type: EntryType, path: string, size: number, serial: number): Buffer {
  const fields: TarHeader = {
    path: bytesOfText(path.slice(1)),
    type,
    mode: type === "directory" ? 0o755 : 0o644,
    uid: 1001,
    gid: 0,
    size,
    mtime: String(1_700_000_000 + serial),
    linkname: bytesOfText(""),
    devmajor: 0,
    devminor: 0,
    xattrs: noXattrs,
  };
  return encodeHeader(fields);
}
