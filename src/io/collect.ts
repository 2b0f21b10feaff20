import { ComposeImageError } from "../model/errors.ts";
import type { Content } from "./content.ts";

/**
 * All of the content in one buffer; for small things such as manifests and configs.
 *
 * @param limit the most bytes to take.
 * @param subject what the content is, for the message.
 * @throws ComposeImageError `LIMIT_EXCEEDED` when there is more.
 */
export async function collect(content: Content, limit: number, subject: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content) {
    size += chunk.byteLength;
    if (size > limit) {
      throw new ComposeImageError("LIMIT_EXCEEDED", `${subject} is larger than the limit of ${limit} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
