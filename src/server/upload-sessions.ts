import { randomUUID } from "node:crypto";
import { unstoppable } from "../io/call.ts";
import { type Digest, Digester, digestAlgorithm } from "../model/digest.ts";
import type { BlobDirectory } from "../store/layout/blob-directory.ts";
import { readFileContent } from "../store/layout/file-content.ts";
import type { TemporaryFile } from "../store/layout/temporary-file.ts";

/** A blob on its way in, over one request or several. */
export class UploadSession {
  readonly id: string = randomUUID();
  readonly repository: string;
  readonly #blobs: BlobDirectory;
  readonly #file: TemporaryFile;
  readonly #digester = new Digester();
  /** Whether a request is writing to it. */
  busy = false;
  /** Whether nothing more can come of it: it was ended, is complete, or a byte of it was lost. */
  over = false;
  /** When a request last used it, on the clock of `performance.now()`. */
  usedAt: number = performance.now();

  constructor(repository: string, blobs: BlobDirectory) {
    this.repository = repository;
    this.#blobs = blobs;
    this.#file = blobs.stage();
  }

  /** Bytes received and kept. */
  get size(): number {
    return this.#file.size;
  }

  /** @throws ComposeImageError `DISK_FULL`, `LOCAL_IO`; then the session is over. */
  async append(chunk: Uint8Array): Promise<void> {
    try {
      await this.#file.append(chunk);
    } catch (error) {
      this.over = true;
      throw error;
    }
    this.#digester.update(chunk);
  }

  /**
   * Publishes the blob when its digest is the one given. Gives the actual digest; when that differs, nothing is kept.
   * Call once.
   *
   * @throws ComposeImageError `DISK_FULL`, `LOCAL_IO`
   */
  async complete(digest: Digest): Promise<Digest> {
    this.over = true;
    const actual =
      digestAlgorithm(digest) === "sha256" ? this.#digester.digest() : await this.#digestAgain(digest);
    if (actual === digest) await this.#file.publish(this.#blobs.path(digest));
    else await this.#file.discard();
    return actual;
  }

  async discard(): Promise<void> {
    await this.#file.discard();
  }

  /** The digest under another algorithm than the one that ran along. */
  async #digestAgain(digest: Digest): Promise<Digest> {
    const digester = new Digester(digestAlgorithm(digest));
    if (this.size > 0) {
      const extent = { end: this.size };
      for await (const chunk of readFileContent(this.#file.path, extent, unstoppable)) digester.update(chunk);
    }
    return digester.digest();
  }
}

/** The uploads under way. Those that nobody uses any more are discarded after a while. */
export class UploadSessions {
  readonly #blobs: BlobDirectory;
  readonly #lifetime: number;
  readonly #sessions = new Map<string, UploadSession>();
  readonly #sweeper: NodeJS.Timeout;

  /** @param lifetime milliseconds after its last request that a session is kept; default one hour. */
  constructor(blobs: BlobDirectory, lifetime: number = 60 * 60 * 1000) {
    this.#blobs = blobs;
    this.#lifetime = lifetime;
    this.#sweeper = setInterval(() => void this.#sweep(), Math.min(lifetime, 60_000));
    this.#sweeper.unref();
  }

  start(repository: string): UploadSession {
    const session = new UploadSession(repository, this.#blobs);
    this.#sessions.set(session.id, session);
    return session;
  }

  find(repository: string, id: string): UploadSession | undefined {
    const session = this.#sessions.get(id);
    if (session?.repository !== repository) return undefined;
    session.usedAt = performance.now();
    return session;
  }

  /**
   * Lets one request work on a session, and no other until that has ended. A session that is over then is gone.
   *
   * @param session one that is not busy.
   */
  async hold(session: UploadSession, work: () => Promise<void>): Promise<void> {
    session.busy = true;
    try {
      await work();
    } finally {
      session.busy = false;
      session.usedAt = performance.now();
      if (session.over) await this.end(session);
    }
  }

  /** Forgets the session and removes what it still has on disk; what a request is writing, once that has ended. */
  async end(session: UploadSession): Promise<void> {
    this.#sessions.delete(session.id);
    session.over = true;
    if (!session.busy) await session.discard();
  }

  /** Ends all sessions. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    for (const session of [...this.#sessions.values()]) await this.end(session);
  }

  async #sweep(): Promise<void> {
    const now = performance.now();
    for (const session of [...this.#sessions.values()]) {
      if (!session.busy && now - session.usedAt > this.#lifetime) await this.end(session).catch(() => {});
    }
  }
}
