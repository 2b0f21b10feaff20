/** An upload that was begun at a registry, as far as is known. */
export class UploadSession {
  /** Where it goes on: the newest `Location`. */
  location: URL;
  /** The least bytes the registry takes in one part, except for the last. */
  readonly minPart: number;
  /** Bytes that the registry has said to have. */
  received = 0;
  /** The most bytes that were ever handed to a connection. */
  sent = 0;
  /** Whether a request failed that may have brought bytes. */
  uncertain = false;

  /** @param minLength the header `OCI-Chunk-Min-Length`. */
  constructor(location: URL, minLength: string | undefined) {
    this.location = location;
    this.minPart = /^\d{1,12}$/.test(minLength ?? "") ? Number(minLength) : 0;
  }
}

/**
 * How many bytes a `Range` header of an upload stands for. `0-0` is what registries say of an empty upload and of one
 * with one byte, so it counts as unknown.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 */
export function receivedBytes(range: string | undefined): number | undefined {
  const last = /^(?:bytes=)?0-(\d{1,15})$/i.exec(range?.trim() ?? "")?.[1];
  return last === undefined || Number(last) === 0 ? undefined : Number(last) + 1;
}
