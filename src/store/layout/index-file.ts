import { stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Call } from "../../io/call.ts";
import { withDirectoryLock } from "../../io/directory-lock.ts";
import { errnoOf, localError } from "../../io/local-error.ts";
import { descriptorFromJson } from "../../model/descriptor.ts";
import { ComposeImageError } from "../../model/errors.ts";
import type { JsonObject } from "../../model/json.ts";
import { type Invalid, parseJsonObject } from "../../model/parse-json.ts";
import type { IndexEntry } from "./index-entry.ts";
import { readSmallFile } from "./small-file.ts";
import { TemporaryFile } from "./temporary-file.ts";

/** What `index.json` held at one moment. */
export interface IndexSnapshot {
  readonly entries: readonly IndexEntry[];
  /** The document's fields other than `manifests`. */
  readonly rest: JsonObject;
}

/** Largest `index.json` read, in bytes; room for some hundred thousand images. */
export const maxIndexSize = 64 * 1024 * 1024;

/** How often a document that is not JSON is read again: other tools overwrite it in place. */
const readAttempts = 4;

/**
 * A layout's `index.json`.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md#indexjson-file
 */
export class IndexFile {
  readonly #directory: string;
  readonly #path: string;
  #cached: { readonly version: string; readonly snapshot: IndexSnapshot } | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(directory: string) {
    this.#directory = directory;
    this.#path = join(directory, "index.json");
  }

  /**
   * What the file holds now; the same object as before unless the file was changed, by whatever process.
   *
   * @throws ComposeImageError `LAYOUT_INVALID`, `LOCAL_IO`
   */
  async read(call: Call): Promise<IndexSnapshot> {
    for (let attempt = 1; ; attempt += 1) {
      call.signal.throwIfAborted();
      const version = await this.#version();
      if (this.#cached?.version === version) return this.#cached.snapshot;
      try {
        const snapshot = parseIndex(await readSmallFile(this.#path, maxIndexSize), (what) =>
          this.#invalid(what),
        );
        this.#cached = { version, snapshot };
        return snapshot;
      } catch (cause) {
        if (!(cause instanceof ComposeImageError)) throw localError(cause, `cannot read ${this.#path}`);
        if (attempt === readAttempts) throw cause;
        await delay(25);
      }
    }
  }

  /**
   * Replaces the entries by what `change` makes of them, with no other writer in between, of this process or another.
   * Readers see the file before or after, never in between. Nothing is written when `change` gives its argument back.
   *
   * @throws ComposeImageError `LAYOUT_INVALID`, `DISK_FULL`, `LOCAL_IO`
   */
  update(change: (entries: readonly IndexEntry[]) => readonly IndexEntry[], call: Call): Promise<void> {
    const done = this.#turn.then(() =>
      withDirectoryLock(
        this.#directory,
        async () => {
          const before = await this.read(call);
          const entries = change(before.entries);
          if (entries !== before.entries) await this.write({ entries, rest: before.rest });
        },
        call,
      ),
    );
    this.#turn = done.catch(() => {});
    return done;
  }

  /** Writes the file whatever was there; {@link update} is what to use once the layout exists. */
  async write(snapshot: IndexSnapshot): Promise<void> {
    const document = { ...snapshot.rest, manifests: snapshot.entries.map((entry) => entry.json) };
    const file = new TemporaryFile(this.#directory, "index");
    try {
      await file.append(Buffer.from(JSON.stringify(document), "utf8"));
      await file.publish(this.#path);
    } finally {
      await file.discard();
    }
  }

  async #version(): Promise<string> {
    try {
      const { ino, size, mtimeNs, ctimeNs } = await stat(this.#path, { bigint: true });
      if (size > maxIndexSize) throw this.#invalid(`it is larger than ${maxIndexSize} bytes`);
      return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
    } catch (cause) {
      if (errnoOf(cause) === "ENOENT") throw this.#invalid("it is missing");
      throw localError(cause, `cannot read ${this.#path}`);
    }
  }

  #invalid(what: string): ComposeImageError {
    return new ComposeImageError("LAYOUT_INVALID", `${this.#path}: ${what}`, {
      hint: "The directory is not a whole OCI image layout; write it again with the tool that made it.",
    });
  }
}

/** Reads `index.json`; `invalid` makes the error for anything that is none. */
export function parseIndex(bytes: Uint8Array, invalid: Invalid): IndexSnapshot {
  const { manifests, ...rest } = parseJsonObject(bytes, invalid);
  if (!Array.isArray(manifests)) throw invalid("manifests is not a list");
  const entries = manifests.map((json, i) => {
    try {
      return {
        descriptor: descriptorFromJson(json, `entry ${i + 1} of index.json`),
        json: json as JsonObject,
      };
    } catch (cause) {
      throw invalid(cause instanceof Error ? cause.message : "an entry is malformed");
    }
  });
  return { entries, rest };
}
