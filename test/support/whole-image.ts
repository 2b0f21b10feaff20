import { sha256 } from "./make-image.ts";
import type { ReadManifest } from "./read-image.ts";

/**
 * Pulls an image with all it names over plain HTTP, without any code of the project's.
 *
 * @param registry `http://127.0.0.1:PORT`
 * @returns the manifest's digest.
 * @throws Error where anything is missing, or not what its digest and size say.
 */
export async function pullWhole(registry: string, repository: string, tag: string): Promise<string> {
  const get = async (path: string): Promise<Buffer> => {
    const answer = await fetch(`${registry}/v2/${repository}/${path}`, {
      headers: { accept: "application/vnd.oci.image.manifest.v1+json, */*" },
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (!answer.ok) throw new Error(`${repository}: ${path}: ${answer.status} ${bytes}`);
    return bytes;
  };
  const top = await get(`manifests/${tag}`);
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
