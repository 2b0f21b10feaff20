import type { Call } from "../../io/call.ts";
import { collect } from "../../io/collect.ts";
import { type Descriptor, describeBytes } from "../../model/descriptor.ts";
import type { Digest } from "../../model/digest.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { type ImageIndex, maxManifestSize, parseManifest } from "../../model/manifest.ts";
import { isIndexMediaType, mediaTypes } from "../../model/media-types.ts";
import { encodeFallbackIndex, fallbackTag } from "../../model/referrers.ts";
import type { StoredManifest } from "../source.ts";
import { repositoryScope } from "./auth/scope.ts";
import { discard, type HttpAnswer } from "./http.ts";
import type { Manifests } from "./manifests.ts";
import { networkFault } from "./network-fault.ts";
import { maxPages, nextPage } from "./paging.ts";
import type { RegistryApi } from "./registry-api.ts";

/** Answers to the referrers API of registries that have none. */
const unsupported = [404, 405, 501];

/** Most referrers of one manifest. */
const maxReferrers = 100_000;

/** How often a fallback tag is written again that others write at the same time. */
const writeAttempts = 4;

/** Some of the referrers, and where there are more; `undefined` from a registry without the API. */
type Page = readonly [referrers: readonly Descriptor[], next: URL | undefined] | undefined;

/**
 * What refers to the manifests of one repository.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export class Referrers {
  readonly #api: RegistryApi;
  readonly #manifests: Manifests;
  /** Whether the registry has the referrers API; `undefined` until it was asked. */
  #hasApi: boolean | undefined;

  constructor(api: RegistryApi, manifests: Manifests) {
    this.#api = api;
    this.#manifests = manifests;
  }

  /** By the API, else by the fallback tag. */
  async list(subject: Digest, call: Call): Promise<readonly Descriptor[]> {
    const listed = await this.#listByApi(subject, call);
    return listed ?? (await this.#fallbackList(subject, call));
  }

  /**
   * Lists referrers under the fallback tag, where the registry does not do it itself. One that does says so when it takes
   * the manifest; of manifests that were there before, the API is asked.
   */
  async attach(subject: Digest, referrers: readonly Descriptor[], call: Call): Promise<void> {
    const unsure = referrers.filter(({ digest }) => !this.#manifests.indexed.has(digest));
    if (unsure.length === 0) return;
    const listed = await this.#listByApi(subject, call);
    if (listed === undefined) return this.#writeFallback(subject, referrers, call);
    const digests = new Set(listed.map(({ digest }) => digest));
    for (const { digest } of unsure.filter((one) => !digests.has(one.digest))) {
      const { store } = this.#api.party;
      const message = `${store}: the registry's referrers API does not list ${digest} for ${subject}`;
      this.#api.onTransfer({ kind: "warning", store, message });
    }
  }

  /** `undefined` where the registry has no such API. */
  async #listByApi(subject: Digest, call: Call): Promise<readonly Descriptor[] | undefined> {
    if (this.#hasApi === false) return undefined;
    const what = `${this.#api.party.store}: referrers of ${subject}`;
    const found: Descriptor[] = [];
    let target: string | URL | undefined = `/v2/${this.#api.repository}/referrers/${subject}`;
    for (let page = 0; target !== undefined; page += 1) {
      if (page === maxPages || found.length > maxReferrers) throw this.#tooMany(what);
      const asked: string | URL = target;
      const answer: Page = await this.#api.retry(
        what,
        (): Promise<Page> => this.#page(asked, page > 0, what, call),
        call,
      );
      if (answer === undefined) {
        this.#hasApi = false;
        return undefined;
      }
      this.#hasApi = true;
      found.push(...answer[0]);
      target = answer[1];
    }
    return found;
  }

  async #page(target: string | URL, isLater: boolean, what: string, call: Call): Promise<Page> {
    const scopes = [repositoryScope(this.#api.repository, "pull")];
    const headers = { accept: mediaTypes.oci.index, "accept-encoding": "identity" };
    const answer: HttpAnswer = await this.#api.send({ method: "GET", target, scopes, headers }, call);
    if (!isLater && this.#hasApi !== true && unsupported.includes(answer.status)) {
      await discard(answer);
      return undefined;
    }
    if (answer.status !== 200) throw await this.#api.reject(answer, { what }, call);
    let bytes: Uint8Array;
    try {
      bytes = await collect(answer.body, maxManifestSize, `${this.#api.party.side} ${what}`);
    } catch (error) {
      call.signal.throwIfAborted();
      throw networkFault(error, answer.url.host, this.#api.party, this.#api.transport.timeoutMs);
    }
    return [this.#indexOf(bytes, what).manifests, nextPage(answer)];
  }

  /** A tag that names no index is somebody's image, and lists nothing. */
  async #fallbackList(subject: Digest, call: Call): Promise<readonly Descriptor[]> {
    const stored = await this.#fallbackTag(subject, call);
    if (stored === undefined || !isIndexMediaType(stored.descriptor.mediaType)) return [];
    return this.#indexOf(stored.bytes, this.#fallbackName(subject)).manifests;
  }

  async #fallbackTag(subject: Digest, call: Call): Promise<StoredManifest | undefined> {
    try {
      return await this.#manifests.manifest({ tag: fallbackTag(subject) }, call);
    } catch (error) {
      if (error instanceof ComposeImageError && error.code === "MANIFEST_NOT_FOUND") return undefined;
      throw error;
    }
  }

  #fallbackName(subject: Digest): string {
    return `${this.#api.party.store}:${fallbackTag(subject)}`;
  }

  /** Two that write at the same time see each other's entries gone, and write again. */
  async #writeFallback(subject: Digest, referrers: readonly Descriptor[], call: Call): Promise<void> {
    const tag = fallbackTag(subject);
    const alone = fallbackManifest(referrers);
    if ((await this.#manifests.find(tag, call))?.digest === alone.descriptor.digest) return;
    for (let attempt = 1; ; attempt += 1) {
      const stored = await this.#fallbackTag(subject, call);
      const there = stored ? this.#indexOf(stored.bytes, this.#fallbackName(subject)).manifests : [];
      const digests = new Set(there.map(({ digest }) => digest));
      const missing = referrers.filter(({ digest }) => !digests.has(digest));
      if (missing.length === 0) return;
      if (attempt > writeAttempts) {
        throw new ComposeImageError(
          "REGISTRY_REJECTED",
          `${this.#api.party.side} ${this.#api.party.store}:${tag}: what is written there is replaced again and again`,
          { hint: "Others write the same tag; run it again when they are done." },
        );
      }
      await this.#manifests.put(fallbackManifest([...there, ...missing]), { tag }, call);
    }
  }

  #indexOf(bytes: Uint8Array, what: string): ImageIndex {
    const where = `${this.#api.party.side} ${what}`;
    const index = parseManifest(bytes, mediaTypes.oci.index, where);
    if (index.kind === "index") return index;
    throw new ComposeImageError("MANIFEST_INVALID", `${where}: it is no index`);
  }

  #tooMany(what: string): ComposeImageError {
    return new ComposeImageError(
      "LIMIT_EXCEEDED",
      `${this.#api.party.side} ${what}: the list has more than ${maxPages} pages or ${maxReferrers} entries`,
    );
  }
}

function fallbackManifest(referrers: readonly Descriptor[]): StoredManifest {
  const bytes = encodeFallbackIndex(referrers);
  return { descriptor: describeBytes(mediaTypes.oci.index, bytes), bytes };
}
