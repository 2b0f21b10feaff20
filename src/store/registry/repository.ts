import type { Call } from "../../io/call.ts";
import type { Content, OpenContent } from "../../io/content.ts";
import { Retryable } from "../../io/retry.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import type { Digest } from "../../model/digest.ts";
import { isManifestMediaType } from "../../model/media-types.ts";
import type { ManifestSelector, MountOrigin, StoredManifest } from "../source.ts";
import type { Target } from "../target.ts";
import { repositoryScope } from "./auth/scope.ts";
import { type BlobOrigin, readBlob, readBlobFrom } from "./blob-reader.ts";
import { isForeign, readForeignLayer } from "./foreign-layer.ts";
import { canonicalRegistry } from "./hosts/api-host.ts";
import { contentLengthOf, discard, type HttpAnswer, isPage } from "./http.ts";
import type { KeptParts } from "./kept-parts.ts";
import { Manifests } from "./manifests.ts";
import { mountBlob } from "./mounts.ts";
import { Referrers } from "./referrers.ts";
import type { RegistryApi } from "./registry-api.ts";
import { pageError } from "./rejection.ts";
import { listTags } from "./tags.ts";
import type { RequestLimits } from "./upload-parts.ts";
import { Uploads } from "./uploads.ts";

/** What registries have refused, so that they are not asked again. */
export interface KnownRefusals {
  /** Registries that do not mount. */
  readonly mounts: Set<string>;
  readonly requestLimits: RequestLimits;
}

/**
 * One repository of a registry.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
 */
export class Repository implements Target {
  readonly name: string;
  readonly mountOrigin: MountOrigin;
  readonly #api: RegistryApi;
  readonly #manifests: Manifests;
  readonly #referrers: Referrers;
  readonly #uploads: Uploads;
  readonly #refusingMounts: Set<string>;

  /** @param known what registries have refused so far; shared by all repositories of a client, as `parts` are. */
  constructor(api: RegistryApi, known: KnownRefusals, parts: KeptParts | undefined) {
    this.name = api.party.store;
    this.mountOrigin = { registry: canonicalRegistry(api.registry), repository: api.repository };
    this.#api = api;
    this.#manifests = new Manifests(api);
    this.#referrers = new Referrers(api, this.#manifests);
    this.#uploads = new Uploads(api, known.requestLimits, parts);
    this.#refusingMounts = known.mounts;
  }

  resolve(selector: ManifestSelector, call: Call): Promise<Descriptor> {
    return this.#manifests.resolve(selector, call);
  }

  manifest(selector: ManifestSelector, call: Call): Promise<StoredManifest> {
    return this.#manifests.manifest(selector, call);
  }

  find(tag: string, call: Call): Promise<Descriptor | undefined> {
    return this.#manifests.find(tag, call);
  }

  listTags(call: Call): AsyncIterable<string> {
    return listTags(this.#api, call);
  }

  referrers(subject: Digest, call: Call): Promise<readonly Descriptor[]> {
    return this.#referrers.list(subject, call);
  }

  /** The request is made at once; content that is never read holds its connection until the call is aborted. */
  async fetch(descriptor: Descriptor, call: Call): Promise<Content> {
    if (isForeign(descriptor)) return readForeignLayer(this.#api, descriptor, call);
    return readBlob(this.#origin(descriptor), descriptor, call);
  }

  fetchFrom(descriptor: Descriptor, start: number, call: Call): Promise<Content> {
    return readBlobFrom(this.#origin(descriptor), descriptor, start, call);
  }

  #origin(descriptor: Descriptor): BlobOrigin {
    let staleRedirects = 0;
    const get = async (headers: Readonly<Record<string, string>>, inner: Call): Promise<HttpAnswer> => {
      const answer = await this.#sendBlobRequest("GET", descriptor, headers, inner);
      if (answer.status === 200 || answer.status === 206) {
        staleRedirects = 0;
        return answer;
      }
      const what = `${this.name}: blob ${descriptor.digest}`;
      const error = await this.#api.reject(answer, { what, notFound: "BLOB_NOT_FOUND" }, inner);
      if (answer.redirected && [400, 401, 403].includes(answer.status) && staleRedirects === 0) {
        staleRedirects += 1;
        throw new Retryable(error, "the storage refused the registry's link");
      }
      throw error;
    };
    const { party, onTransfer, transport } = this.#api;
    const transfer = { direction: "download", descriptor } as const;
    const retries = this.#api.retries(`${this.name}: blob ${descriptor.digest}`, transfer);
    return { party, get, retries, onTransfer, timeoutMs: transport.timeoutMs };
  }

  async exists(descriptor: Descriptor, call: Call): Promise<boolean> {
    if (isManifestMediaType(descriptor.mediaType)) return this.#manifests.exists(descriptor.digest, call);
    const what = `${this.name}: blob ${descriptor.digest}`;
    const attempt = async (): Promise<boolean> => {
      const answer = await this.#sendBlobRequest("HEAD", descriptor, {}, call);
      const { status, redirected } = answer;
      const unknown = status === 404 || status === 405 || (redirected && status < 500);
      if (status !== 200 && !unknown) throw await this.#api.reject(answer, { what }, call);
      await discard(answer);
      if (status === 200 && isPage(answer) && contentLengthOf(answer) !== descriptor.size) {
        throw pageError(answer, what, this.#api.party);
      }
      return status === 200;
    };
    return this.#api.retry(what, attempt, call);
  }

  /** A registry takes manifests whose content it has, and others not. */
  holdsWhole(): boolean {
    return true;
  }

  push(descriptor: Descriptor, open: OpenContent, call: Call): Promise<void> {
    return this.#uploads.push(descriptor, open, (inner) => this.exists(descriptor, inner), call);
  }

  mount(descriptor: Descriptor, from: MountOrigin, call: Call): Promise<boolean> {
    return mountBlob(this.#api, this.#uploads, this.#refusingMounts, descriptor, from, call);
  }

  pushManifest(manifest: StoredManifest, call: Call): Promise<void> {
    return this.#manifests.put(manifest, { digest: manifest.descriptor.digest }, call);
  }

  tag(manifest: StoredManifest, tag: string, call: Call): Promise<void> {
    return this.#manifests.tag(manifest, tag, call);
  }

  attach(subject: Digest, referrers: readonly Descriptor[], call: Call): Promise<void> {
    return this.#referrers.attach(subject, referrers, call);
  }

  /** Cancels what was begun and not used. */
  close(): Promise<void> {
    return this.#uploads.cancelAll();
  }

  #sendBlobRequest(
    method: "GET" | "HEAD",
    descriptor: Descriptor,
    headers: Readonly<Record<string, string>>,
    call: Call,
  ): Promise<HttpAnswer> {
    const scopes = [repositoryScope(this.#api.repository, "pull")];
    return this.#api.send({ method, target: this.#blobPath(descriptor), scopes, headers }, call);
  }

  #blobPath(descriptor: Descriptor): string {
    return `/v2/${this.#api.repository}/blobs/${descriptor.digest}`;
  }
}
