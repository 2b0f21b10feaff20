import { createHash, type Hash } from "node:crypto";
import { ComposeImageError } from "./errors.ts";

declare const digestBrand: unique symbol;

/**
 * A content digest, `algorithm:hex`. Made only by {@link parseDigest}, {@link digestOf} and {@link Digester}.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#digests
 */
export type Digest = string & { readonly [digestBrand]: true };

/** The registered algorithms this project reads. New content always gets sha256. */
export type DigestAlgorithm = "sha256" | "sha512";

const patterns: Record<DigestAlgorithm, RegExp> = {
  sha256: /^sha256:[0-9a-f]{64}$/,
  sha512: /^sha512:[0-9a-f]{128}$/,
};

/**
 * Reads a digest.
 *
 * @throws ComposeImageError `DIGEST_INVALID` when the algorithm is not sha256 or sha512, or the hex part is not
 *   lower case and of the algorithm's length.
 */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new ComposeImageError("DIGEST_INVALID", `not a digest: ${JSON.stringify(text.slice(0, 160))}`, {
    hint: "A digest is sha256: and 64, or sha512: and 128, lower-case hexadecimal digits.",
  });
}

/** Whether the text is a digest that {@link parseDigest} accepts. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === "string" && (patterns.sha256.test(text) || patterns.sha512.test(text));
}

/** The part before the colon. */
export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.startsWith("sha512:") ? "sha512" : "sha256";
}

/** The part after the colon. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** The digest of bytes in hand; sha256 unless told otherwise. */
export function digestOf(content: Uint8Array, algorithm: DigestAlgorithm = "sha256"): Digest {
  const digester = new Digester(algorithm);
  digester.update(content);
  return digester.digest();
}

/** Digests and counts bytes as they pass. */
export class Digester {
  readonly #algorithm: DigestAlgorithm;
  readonly #hash: Hash;
  #size = 0;

  constructor(algorithm: DigestAlgorithm = "sha256") {
    this.#algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  /** Bytes taken so far. */
  get size(): number {
    return this.#size;
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#size += bytes.byteLength;
  }

  /** The digest of all bytes taken. Call once. */
  digest(): Digest {
    return `${this.#algorithm}:${this.#hash.digest("hex")}` as Digest;
  }
}
