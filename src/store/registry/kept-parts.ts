import type { Call } from "../../io/call.ts";
import type { Content, OpenContent } from "../../io/content.ts";
import { removeLeftovers } from "../../io/directory-lock.ts";
import { localError } from "../../io/local-error.ts";
import { makeDirectory } from "../../io/make-directory.ts";
import { ownerlessName } from "../../io/temporary-name.ts";
import { verify } from "../../io/verify.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { readFileContent } from "../layout/file-content.ts";
import { adoptPart, partLabel } from "../layout/partial-blob.ts";
import { TemporaryFile } from "../layout/temporary-file.ts";

/** Smallest blob, in bytes, of which the part that was read is kept. */
const leastKept = 8 * 1024 * 1024;

/** Bytes that are written at once: what a kill loses beside what is on its way. */
const blockBytes = 1024 * 1024;

/** Faults that a part from an earlier run may be to blame for. */
const damages = ["DIGEST_MISMATCH", "SIZE_MISMATCH", "LOCAL_IO"];

/**
 * What uploads have read of large blobs, in files of a directory, so that a run that goes on after one that broke off, even
 * by `kill -9`, reads only the rest from the source. A part goes with its upload's success, else after a week. A part that a
 * live process writes is never touched. Where the directory cannot be written, nothing is kept, and that is told once.
 */
export class KeptParts {
  readonly #directory: string;
  readonly #warn: (message: string) => void;
  #hasWarned = false;

  /** @param directory made, for the user alone, when something is to be kept. */
  constructor(directory: string, warn: (message: string) => void) {
    this.#directory = directory;
    this.#warn = warn;
  }

  /**
   * Has a blob sent. Where a part of it is there, the content is that and the rest, with the digest of both; should that
   * not fit, all is read and sent once more, from the source.
   *
   * @param open content that cannot be opened with `from` is not kept.
   * @param subject what the content is, for messages.
   * @throws ComposeImageError as `send` does.
   */
  async sending(
    descriptor: Descriptor,
    open: OpenContent,
    subject: string,
    send: (open: OpenContent) => Promise<void>,
  ): Promise<void> {
    if (open.from === undefined || descriptor.size < leastKept) return send(open);
    const part = await this.#take(descriptor);
    if (part === undefined) return send(open);
    const isAdopted = part.size > 0;
    try {
      return await this.#sendFrom(part, descriptor, open, subject, send);
    } catch (error) {
      if (!isAdopted || !isOneOf(error, damages)) throw error;
    }
    await this.#sendFrom(this.#newPart(descriptor), descriptor, open, subject, send);
  }

  async #sendFrom(
    part: TemporaryFile,
    descriptor: Descriptor,
    open: OpenContent,
    subject: string,
    send: (open: OpenContent) => Promise<void>,
  ): Promise<void> {
    const content = new KeptContent(part, descriptor, open, subject, (fault) => this.#tell(fault));
    try {
      await send((call) => content.open(call));
      await content.remove();
    } catch (error) {
      await (isOneOf(error, damages) ? content.remove() : content.leave());
      throw error;
    }
  }

  async #take(descriptor: Descriptor): Promise<TemporaryFile | undefined> {
    try {
      await makeDirectory(this.#directory, 0o700);
      await removeLeftovers(this.#directory);
      const adopted = await adoptPart(this.#directory, partLabel(descriptor.digest), descriptor.size);
      return adopted ?? this.#newPart(descriptor);
    } catch (fault) {
      this.#tell(fault);
      return undefined;
    }
  }

  #newPart({ digest }: Descriptor): TemporaryFile {
    return new TemporaryFile(this.#directory, "partial", { mode: 0o600, label: partLabel(digest) });
  }

  #tell(fault: unknown): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const { message } = localError(fault, `cannot use the directory ${this.#directory}`);
    this.#warn(`parts of blobs are not kept: ${message}`);
  }
}

/** A blob's content, written to its part while it is read. */
class KeptContent {
  readonly #part: TemporaryFile;
  readonly #descriptor: Descriptor;
  readonly #source: OpenContent;
  readonly #subject: string;
  readonly #onFault: (fault: unknown) => void;
  /** What comes next in the part, less than a block: uploads go back less far without opening again. */
  readonly #block = Buffer.allocUnsafeSlow(blockBytes);
  #filled = 0;
  #isOpened = false;
  #isWritten = true;

  constructor(
    part: TemporaryFile,
    descriptor: Descriptor,
    source: OpenContent,
    subject: string,
    onFault: (fault: unknown) => void,
  ) {
    this.#part = part;
    this.#descriptor = descriptor;
    this.#source = source;
    this.#subject = subject;
    this.#onFault = onFault;
  }

  /** The whole content. Opened again, it ends where the first has come to, as nobody reads further there. */
  async open(call: Call): Promise<Content> {
    if (!this.#isOpened) {
      this.#isOpened = true;
      return this.#first(call);
    }
    return this.#isWritten ? this.#fromPart(call) : this.#source(call);
  }

  /** Ends the writing, and leaves what there is to another run. */
  async leave(): Promise<void> {
    if (!this.#isWritten) return;
    this.#isWritten = false;
    await this.#flush();
    await this.#part.leave(ownerlessName("partial", partLabel(this.#descriptor.digest))).catch(this.#onFault);
  }

  /** Ends the writing, and leaves nothing. */
  async remove(): Promise<void> {
    this.#isWritten = false;
    this.#filled = 0;
    await this.#part.discard().catch(this.#onFault);
  }

  async *#first(call: Call): AsyncGenerator<Uint8Array> {
    if (this.#part.size === 0) yield* this.#writing(await this.#source(call));
    else yield* verify(this.#partAndRest(call), this.#descriptor, this.#subject);
  }

  async *#partAndRest(call: Call): AsyncGenerator<Uint8Array> {
    const { size } = this.#part;
    yield* this.#fromPart(call);
    if (size < this.#descriptor.size && this.#source.from !== undefined) {
      yield* this.#writing(await this.#source.from(size, call));
    }
  }

  #fromPart(call: Call): Content & AsyncGenerator<Uint8Array> {
    return readFileContent(this.#part.path, { end: this.#part.size, noFollow: true }, call);
  }

  /** A part that cannot be written does not hold up the content. */
  async *#writing(content: Content): AsyncGenerator<Uint8Array> {
    for await (const chunk of content) {
      for (let at = 0; this.#isWritten && at < chunk.byteLength; ) {
        const piece = chunk.subarray(at, at + blockBytes - this.#filled);
        this.#block.set(piece, this.#filled);
        this.#filled += piece.byteLength;
        at += piece.byteLength;
        if (this.#filled === blockBytes) await this.#flush();
      }
      yield chunk;
    }
  }

  async #flush(): Promise<void> {
    if (this.#filled === 0) return;
    const bytes = this.#block.subarray(0, this.#filled);
    this.#filled = 0;
    await this.#part.append(bytes).catch(async (fault: unknown) => {
      this.#onFault(fault);
      await this.remove();
    });
  }
}

function isOneOf(error: unknown, codes: readonly string[]): boolean {
  return error instanceof ComposeImageError && codes.includes(error.code);
}
