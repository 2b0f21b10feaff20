import type { Call } from "../../io/call.ts";
import type { OpenContent } from "../../io/content.ts";
import { retry } from "../../io/retry.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import type { Digest } from "../../model/digest.ts";
import { canonicalRegistry } from "./hosts/api-host.ts";
import type { KeptParts } from "./kept-parts.ts";
import type { RegistryApi } from "./registry-api.ts";
import { cancelUpload, Upload } from "./upload.ts";
import { type RequestLimits, UploadParts } from "./upload-parts.ts";
import { UploadSource } from "./upload-source.ts";

/** Uploads of blobs to one repository. */
export class Uploads {
  readonly #api: RegistryApi;
  readonly #limits: RequestLimits;
  readonly #parts: KeptParts | undefined;
  /** Sessions that a mount began in place of mounting, by the digest they are for. */
  readonly #begun = new Map<Digest, URL>();

  /** @param limits shared by all repositories of a client, as `parts` are. */
  constructor(api: RegistryApi, limits: RequestLimits, parts: KeptParts | undefined) {
    this.#api = api;
    this.#limits = limits;
    this.#parts = parts;
  }

  /** Keeps an upload session that was begun elsewhere for the push of this digest. */
  keep(digest: Digest, session: URL): void {
    this.#begun.set(digest, session);
  }

  /**
   * Sends a blob, see {@link Upload}.
   *
   * @param isThere asked when it is not known whether the blob has arrived.
   */
  async push(
    descriptor: Descriptor,
    open: OpenContent,
    isThere: (call: Call) => Promise<boolean>,
    call: Call,
  ): Promise<void> {
    const send = (content: OpenContent): Promise<void> => this.#send(descriptor, content, isThere, call);
    if (this.#parts === undefined) return send(open);
    await this.#parts.sending(descriptor, open, `blob for ${this.#api.party.store}`, send);
  }

  async #send(
    descriptor: Descriptor,
    open: OpenContent,
    isThere: (call: Call) => Promise<boolean>,
    call: Call,
  ): Promise<void> {
    const api = this.#api;
    const transfer = { direction: "upload", descriptor } as const;
    const source = new UploadSource(descriptor, open, api.party);
    const retries = api.retries(`${api.party.store}: upload of ${descriptor.digest}`, transfer);
    const parts = new UploadParts(this.#limits, canonicalRegistry(api.registry));
    const upload = new Upload(
      { api, descriptor, source, parts, retries, isThere },
      this.#begun.get(descriptor.digest),
    );
    this.#begun.delete(descriptor.digest);
    const about = { ...transfer, store: api.party.store };
    api.onTransfer({ kind: "started", ...about });
    let finished = false;
    try {
      await retry(() => upload.attempt(call), retries, call);
      finished = true;
    } finally {
      source.close();
      await upload.abandon();
      api.onTransfer({ kind: finished ? "finished" : "failed", ...about });
    }
  }

  /** Cancels the sessions nobody used. */
  async cancelAll(): Promise<void> {
    const sessions = [...this.#begun.values()];
    this.#begun.clear();
    await Promise.all(sessions.map((session) => cancelUpload(this.#api, session)));
  }
}
