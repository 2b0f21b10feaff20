import type { Descriptor } from "../model/descriptor.ts";
import { Digester, digestAlgorithm } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { Content } from "./content.ts";

/**
 * Passes content on and fails at its end unless size and digest are the descriptor's. Never passes on more bytes than
 * the descriptor's size. Nothing read through it counts before it has ended.
 *
 * @param subject what the content is, for messages: `blob of registry.example/app`.
 * @throws ComposeImageError while reading: `SIZE_MISMATCH` or `DIGEST_MISMATCH`.
 */
export async function* verify(
  content: Content,
  descriptor: Descriptor,
  subject: string,
): AsyncGenerator<Uint8Array> {
  const digester = new Digester(digestAlgorithm(descriptor.digest));
  for await (const chunk of content) {
    if (digester.size + chunk.byteLength > descriptor.size) {
      throw new ComposeImageError(
        "SIZE_MISMATCH",
        `${subject}: ${descriptor.digest} is larger than the ${descriptor.size} bytes its descriptor says`,
        { hint: alteredHint },
      );
    }
    digester.update(chunk);
    yield chunk;
  }
  if (digester.size < descriptor.size) {
    throw new ComposeImageError(
      "SIZE_MISMATCH",
      `${subject}: ${descriptor.digest} ended after ${digester.size} of ${descriptor.size} bytes`,
      { hint: alteredHint },
    );
  }
  const actual = digester.digest();
  if (actual !== descriptor.digest) {
    throw new ComposeImageError(
      "DIGEST_MISMATCH",
      `${subject}: expected ${descriptor.digest}, got ${actual}`,
      {
        hint: alteredHint,
      },
    );
  }
}

const alteredHint = "Retry; if it repeats, the stored content is damaged or a proxy on the way alters it.";
