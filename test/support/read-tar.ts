import { Readable } from "node:stream";
import { extract } from "tar-stream";
import type { ReadEntry } from "./read-image.ts";

/** The members of a tar by name, in its order, as tar-stream reads them. */
export async function readTarMembers(bytes: Uint8Array): Promise<Map<string, ReadEntry>> {
  const members = new Map<string, ReadEntry>();
  for await (const entry of Readable.from([bytes]).pipe(extract())) {
    const content = Buffer.concat(await Readable.from(entry).toArray());
    members.set(entry.header.name.replace(/\/$/, ""), { header: entry.header, content });
  }
  return members;
}
