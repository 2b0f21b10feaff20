import { decompress } from "../codec/decompress.ts";
import type { Content } from "../io/content.ts";
import type { Digest } from "../model/digest.ts";
import { Digester } from "../model/digest.ts";
import type { ListedMember } from "./layer-listing.ts";
import { decodeMember, maxLineLength } from "./listing-format.ts";

/*
 * A listing is zstd frames over lines of JSON: one that says of which layer it is, the members, and one that says how
 * many they are and what the digest of all lines before is.
 */

/** The first line. */
export function firstLine(layer: Digest): string {
  return `${JSON.stringify({ layer })}\n`;
}

/** The last line. */
export function lastLine(members: number, before: Digest): string {
  return `${JSON.stringify({ members, before })}\n`;
}

const newline = 0x0a;

/**
 * The members of a listing, as written; they count once the end is reached.
 *
 * @param layer the layer that it has to be of.
 * @throws while reading, when anything is not as it was written.
 */
export async function* readListing(content: Content, layer: Digest): AsyncGenerator<ListedMember> {
  const digester = new Digester();
  let isFirst = true;
  let members = 0;
  let rest = Buffer.alloc(0);
  for await (const chunk of decompress(content, `listing of ${layer}`)) {
    rest = Buffer.concat([rest, chunk]);
    // The last whole line may be the one that is about the others: it is left until more comes.
    const end = rest.lastIndexOf(newline);
    const start = end <= 0 ? 0 : rest.lastIndexOf(newline, end - 1) + 1;
    if (start === 0) {
      if (rest.byteLength > 2 * maxLineLength) throw new SyntaxError("a line of a listing is too long");
      continue;
    }
    const lines = rest.subarray(0, start);
    rest = rest.subarray(start);
    digester.update(lines);
    for (const line of lines.toString("utf8").split("\n")) {
      if (line === "") continue;
      if (isFirst) {
        if (`${line}\n` !== firstLine(layer)) throw new SyntaxError("the listing is of another layer");
        isFirst = false;
        continue;
      }
      members += 1;
      yield decodeMember(line);
    }
  }
  if (isFirst || rest.toString("utf8") !== lastLine(members, digester.digest())) {
    throw new SyntaxError("the listing is damaged");
  }
}
