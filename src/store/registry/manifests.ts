import type { Call } from "../../io/call.ts";
import { collect } from "../../io/collect.ts";
import { Retryable } from "../../io/retry.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import { type Digest, digestAlgorithm, digestOf, isDigest } from "../../model/digest.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { maxManifestSize } from "../../model/manifest.ts";
import { isIndexMediaType, isManifestMediaType, manifestMediaTypes } from "../../model/media-types.ts";
import type { ManifestSelector, StoredManifest } from "../source.ts";
import { repositoryScope } from "./auth/scope.ts";
import { contentLengthOf, contentTypeOf, discard, type HttpAnswer, headerOf, isPage } from "./http.ts";
import { manifestTypeOf } from "./manifest-type.ts";
import { networkFault } from "./network-fault.ts";
import type { RegistryApi } from "./registry-api.ts";
import { pageError } from "./rejection.ts";

const accept = manifestMediaTypes.join(", ");

/** Manifests and indexes of one repository. */
export class Manifests {
  readonly #api: RegistryApi;
  /** Manifests that were written here and that the registry said to list as referrers of their subjects. */
  readonly indexed = new Set<Digest>();

  constructor(api: RegistryApi) {
    this.#api = api;
  }

  /**
   * The descriptor by HEAD; by GET and hashing where HEAD is not allowed or does not tell enough. Unwanted answers are
   * asked for again by GET, which has words to go with them.
   */
  async resolve(selector: ManifestSelector, call: Call): Promise<Descriptor> {
    const what = this.#what(selector);
    const described = await this.#api.retry(
      what,
      async () => {
        const answer = await this.#head(selector, call);
        if (answer.status >= 500 || answer.status === 429) {
          throw await this.#api.reject(answer, { what, notFound: "MANIFEST_NOT_FOUND" }, call);
        }
        await discard(answer);
        return answer.status === 200 ? this.#describe(answer, selector) : undefined;
      },
      call,
    );
    return described ?? (await this.manifest(selector, call)).descriptor;
  }

  /** The same for a tag that may not be there; then `undefined`. */
  async find(tag: string, call: Call): Promise<Descriptor | undefined> {
    const what = this.#what({ tag });
    const found = await this.#api.retry(
      what,
      async () => {
        const answer = await this.#head({ tag }, call);
        if (answer.status >= 500 || answer.status === 429)
          throw await this.#api.reject(answer, { what }, call);
        await discard(answer);
        if (answer.status === 404) return "none";
        return answer.status === 200 ? this.#describe(answer, { tag }) : undefined;
      },
      call,
    );
    if (found === "none") return undefined;
    return found ?? (await this.#got({ tag }, call));
  }

  /** Whether a manifest with this digest is there. */
  async exists(digest: Digest, call: Call): Promise<boolean> {
    const selector = { digest };
    return this.#api.retry(
      this.#what(selector),
      async () => {
        const answer = await this.#head(selector, call);
        if (![200, 404, 405].includes(answer.status)) {
          throw await this.#api.reject(answer, { what: this.#what(selector) }, call);
        }
        await discard(answer);
        if (answer.status === 405) return (await this.#got(selector, call)) !== undefined;
        if (isPage(answer)) throw pageError(answer, this.#what(selector), this.#api.party);
        return answer.status === 200;
      },
      call,
    );
  }

  /** By GET, where HEAD does not tell; `undefined` for what is not there. */
  async #got(selector: ManifestSelector, call: Call): Promise<Descriptor | undefined> {
    try {
      return (await this.manifest(selector, call)).descriptor;
    } catch (error) {
      if (error instanceof ComposeImageError && error.code === "MANIFEST_NOT_FOUND") return undefined;
      throw error;
    }
  }

  /** The manifest's bytes, checked against the selector and the registry's own word. */
  manifest(selector: ManifestSelector, call: Call): Promise<StoredManifest> {
    return this.#api.retry(this.#what(selector), () => this.#get(selector, call), call);
  }

  /** Writes a manifest under a tag or its digest. */
  async put(manifest: StoredManifest, as: ManifestSelector, call: Call): Promise<void> {
    const what = this.#what(as);
    await this.#api.retry(
      what,
      async () => {
        const answer = await this.#api.send(
          {
            method: "PUT",
            target: this.#path(as),
            scopes: [repositoryScope(this.#api.repository, "push")],
            headers: { "content-type": manifest.descriptor.mediaType },
            body: Buffer.from(manifest.bytes),
          },
          call,
        );
        if (![200, 201, 204].includes(answer.status)) {
          const refusal = await this.#api.reject(answer, { what }, call);
          throw maySettle(refusal, manifest.descriptor, as)
            ? new Retryable(refusal, "the registry does not know what it names", { limit: 3 })
            : refusal;
        }
        await discard(answer);
        if (isPage(answer)) throw pageError(answer, what, this.#api.party);
        const stored = headerOf(answer, "docker-content-digest");
        const { digest } = manifest.descriptor;
        if (headerOf(answer, "oci-subject") !== undefined) this.indexed.add(digest);
        if (isDigest(stored) && digestAlgorithm(stored) === digestAlgorithm(digest) && stored !== digest) {
          throw this.#mismatch(what, digest, stored);
        }
      },
      call,
    );
  }

  /**
   * Moves a tag. A registry that refuses because its tags are immutable is right when the tag is there already with
   * this very digest.
   */
  async tag(manifest: StoredManifest, tag: string, call: Call): Promise<void> {
    try {
      await this.put(manifest, { tag }, call);
    } catch (error) {
      if (!(error instanceof ComposeImageError) || !["REGISTRY_REJECTED", "DENIED"].includes(error.code))
        throw error;
      const present = await this.resolve({ tag }, call).catch(() => undefined);
      call.signal.throwIfAborted();
      if (present?.digest !== manifest.descriptor.digest) throw error;
    }
  }

  #head(selector: ManifestSelector, call: Call): Promise<HttpAnswer> {
    return this.#api.send(
      { method: "HEAD", target: this.#path(selector), scopes: this.#pull(), headers: { accept } },
      call,
    );
  }

  #describe(answer: HttpAnswer, selector: ManifestSelector): Descriptor | undefined {
    const digest = headerOf(answer, "docker-content-digest");
    const mediaType = contentTypeOf(answer);
    const size = contentLengthOf(answer);
    if (!isDigest(digest) || mediaType === undefined || !isManifestMediaType(mediaType) || !size)
      return undefined;
    if (size > maxManifestSize) throw this.#tooLarge(this.#what(selector));
    if (!("digest" in selector)) return { mediaType, digest, size };
    if (digestAlgorithm(digest) !== digestAlgorithm(selector.digest)) return undefined;
    if (digest !== selector.digest) throw this.#mismatch(this.#what(selector), selector.digest, digest);
    return { mediaType, digest, size };
  }

  async #get(selector: ManifestSelector, call: Call): Promise<StoredManifest> {
    const what = this.#what(selector);
    const headers = { accept, "accept-encoding": "identity" };
    const answer = await this.#api.send(
      { method: "GET", target: this.#path(selector), scopes: this.#pull(), headers },
      call,
    );
    if (answer.status !== 200) {
      throw await this.#api.reject(answer, { what, notFound: "MANIFEST_NOT_FOUND" }, call);
    }
    if ((contentLengthOf(answer) ?? 0) > maxManifestSize) {
      await discard(answer);
      throw this.#tooLarge(what);
    }
    let bytes: Uint8Array;
    try {
      bytes = await collect(answer.body, maxManifestSize, `${this.#api.party.side} ${what}`);
    } catch (error) {
      call.signal.throwIfAborted();
      throw networkFault(error, answer.url.host, this.#api.party, this.#api.transport.timeoutMs);
    }
    return this.#checked(bytes, answer, selector);
  }

  #checked(bytes: Uint8Array, answer: HttpAnswer, selector: ManifestSelector): StoredManifest {
    const what = this.#what(selector);
    const claimed = headerOf(answer, "docker-content-digest");
    const mediaType = manifestTypeOf(bytes, contentTypeOf(answer));
    if (mediaType === undefined) {
      const encoding = headerOf(answer, "content-encoding");
      const kind =
        encoding === undefined ? (contentTypeOf(answer) ?? "no content type") : `encoded as ${encoding}`;
      const error = new ComposeImageError(
        "MANIFEST_INVALID",
        `${this.#api.party.side} ${what}: ${answer.url.host} answered with something that is no manifest (${kind})`,
        {
          hint: "Check that the address is a registry's, and that no proxy or login page answers in its place.",
        },
      );
      throw new Retryable(error, "not a manifest", { limit: 1 });
    }
    const digest = digestOf(bytes, "digest" in selector ? digestAlgorithm(selector.digest) : "sha256");
    for (const expected of ["digest" in selector ? selector.digest : undefined, claimed]) {
      if (!isDigest(expected)) continue;
      const actual =
        digestAlgorithm(expected) === digestAlgorithm(digest)
          ? digest
          : digestOf(bytes, digestAlgorithm(expected));
      if (actual !== expected) {
        throw new Retryable(this.#mismatch(what, expected, actual), "wrong digest", { limit: 1 });
      }
    }
    return { descriptor: { mediaType, digest, size: bytes.byteLength }, bytes };
  }

  #mismatch(what: string, expected: Digest, actual: Digest): ComposeImageError {
    return new ComposeImageError(
      "DIGEST_MISMATCH",
      `${this.#api.party.side} ${what}: expected ${expected}, got ${actual}`,
      { hint: "Retry; if it repeats, the registry's content is damaged or a proxy on the way alters it." },
    );
  }

  #tooLarge(what: string): ComposeImageError {
    return new ComposeImageError(
      "LIMIT_EXCEEDED",
      `${this.#api.party.side} ${what} is larger than the limit of ${maxManifestSize} bytes`,
    );
  }

  #pull(): string[] {
    return [repositoryScope(this.#api.repository, "pull")];
  }

  #path(selector: ManifestSelector): string {
    return `/v2/${this.#api.repository}/manifests/${"digest" in selector ? selector.digest : selector.tag}`;
  }

  #what(selector: ManifestSelector): string {
    return `${this.#api.party.store}${"digest" in selector ? `@${selector.digest}` : `:${selector.tag}`}`;
  }
}

/**
 * Whether a registry may know in a moment what it says not to know. What a tag or an index names was there when it was
 * asked for; docker-registry 2.8 does not find it while others write the same manifest or blob, as each time that one of an
 * index's manifests gets a tag of its own.
 */
function maySettle(refusal: unknown, { mediaType }: Descriptor, as: ManifestSelector): boolean {
  const isUnknown = refusal instanceof ComposeImageError && refusal.code === "BLOB_UNKNOWN";
  return isUnknown && ("tag" in as || isIndexMediaType(mediaType));
}
