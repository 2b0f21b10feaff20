import { sha256 } from "./make-image.ts";
import type { ReadManifest } from "./read-image.ts";

/** How often a tag is asked for that is answered with 500. */
const tagAttempts = 50;

/**
 * Pulls an image with all it names over plain HTTP, without any code of the project's.
 *
 * docker-registry 2.8 writes a tag's file in place, and answers 500 ("invalid checksum digest format") to those who read
 * it in between. Such a tag names nothing for a moment, and is asked for again.
 *
 * @param registry `http://127.0.0.1:PORT`
 * @returns the manifest's digest.
 * @throws Error where anything is missing, or not what its digest and size say.
 */
export async function pullWhole(registry: string, repository: string, tag: string): Promise<string> {
  const ask = (path: string): Promise<Response> =>
    fetch(`${registry}/v2/${repository}/${path}`, {
      headers: { accept: "application/vnd.oci.image.manifest.v1+json, */*" },
    });
  const get = async (path: string, attempts = 1): Promise<Buffer> => {
    let answer = await ask(path);
    for (let attempt = 1; answer.status === 500 && attempt < attempts; attempt += 1) {
      await answer.arrayBuffer();
      answer = await ask(path);
    }
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (!answer.ok) throw new Error(`${repository}: ${path}: ${answer.status} ${bytes}`);
    return bytes;
  };
  const top = await get(`manifests/${tag}`, tagAttempts);
  const { config, layers }: ReadManifest = JSON.parse(top.toString());
  for (const { digest, size } of [config, ...layers]) {
    const bytes = await get(`blobs/${digest}`);
    if (sha256(bytes) !== digest || bytes.byteLength !== size) {
      throw new Error(
        `${repository}:${tag} names ${digest} of ${size} bytes; there are ${bytes.byteLength} others`,
      );
    }
  }
  return sha256(top);
}
