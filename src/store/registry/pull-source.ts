import type { Call } from "../../io/call.ts";
import type { Content } from "../../io/content.ts";
import type { Side, TransferListener } from "../../io/transfer.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import type { Digest } from "../../model/digest.ts";
import { ComposeImageError } from "../../model/errors.ts";
import type { ListedSource, ManifestSelector, MountOrigin, StoredManifest } from "../source.ts";

/** One of the places of a {@link PullSource}. */
export interface SourcePlace {
  /** Its name is that of the place: `mirror.example/hub/library/debian`. */
  readonly source: ListedSource;
  /** The tag there, where it is another. */
  readonly tag: string | undefined;
}

/** What a {@link PullSource} is made of. */
export interface PullSourceParts {
  readonly side: Side;
  /** `registry/repository`, as the reference says. */
  readonly name: string;
  /** The whole reference, for messages. */
  readonly reference: string;
  /** In the order they are tried; at least one. */
  readonly places: readonly SourcePlace[];
  /** The file that names the places. */
  readonly file: string;
  readonly onTransfer: TransferListener;
}

/**
 * An image that is read from other places than its name says, by `registries.conf`. The first place that has its
 * manifest is asked first for everything else; what cannot be had there is asked of the others, too. Errors name the
 * reference besides the place.
 */
export class PullSource implements ListedSource {
  readonly name: string;
  readonly #parts: PullSourceParts;
  #current: SourcePlace;

  constructor(parts: PullSourceParts) {
    const [first] = parts.places;
    if (first === undefined) throw new ComposeImageError("INTERNAL", `${parts.name} is read from nowhere`);
    this.name = parts.name;
    this.#parts = parts;
    this.#current = first;
  }

  /** That of the place in use. */
  get mountOrigin(): MountOrigin | undefined {
    return this.#current.source.mountOrigin;
  }

  resolve(selector: ManifestSelector, call: Call): Promise<Descriptor> {
    return this.#settle((place) => place.source.resolve(selectorAt(place, selector), call), call);
  }

  manifest(selector: ManifestSelector, call: Call): Promise<StoredManifest> {
    return this.#settle((place) => place.source.manifest(selectorAt(place, selector), call), call);
  }

  /** Content that fails while it is read is not asked of another place: part of it has been passed on. */
  async fetch(descriptor: Descriptor, call: Call): Promise<Content> {
    const [, content] = await this.#try((place) => place.source.fetch(descriptor, call), call);
    return this.#named(content);
  }

  async fetchFrom(descriptor: Descriptor, start: number, call: Call): Promise<Content> {
    const open = async ({ source }: SourcePlace): Promise<Content> => {
      if (source.fetchFrom !== undefined) return source.fetchFrom(descriptor, start, call);
      throw new ComposeImageError("INTERNAL", `${source.name} gives no part of a blob`);
    };
    const [, content] = await this.#try(open, call);
    return this.#named(content);
  }

  /** A mirror need not have all tags, so the other places are asked when one has it not. */
  async find(tag: string, call: Call): Promise<Descriptor | undefined> {
    for (const { source } of this.#parts.places) {
      const found = await this.#asked(source, undefined, () => source.find(tag, call), call);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async *listTags(call: Call): AsyncGenerator<string> {
    const list = async ({ source }: SourcePlace): Promise<string[]> => {
      const tags: string[] = [];
      for await (const tag of source.listTags(call)) tags.push(tag);
      return tags;
    };
    const [, tags] = await this.#try(list, call);
    yield* tags;
  }

  /** Of the first place that has any: a mirror often has the image without them. */
  async referrers(subject: Digest, call: Call): Promise<readonly Descriptor[]> {
    for (const { source } of this.#parts.places) {
      const found = await this.#asked(source, [], () => source.referrers(subject, call), call);
      if (found.length > 0) return found;
    }
    return [];
  }

  /** Asks a place; failures count at the last one alone, which is meant to have everything. */
  async #asked<T>(source: ListedSource, otherwise: T, ask: () => Promise<T>, call: Call): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      call.signal.throwIfAborted();
      const { places, onTransfer } = this.#parts;
      if (!(error instanceof ComposeImageError)) throw error;
      if (source === places.at(-1)?.source) throw this.#withReference(error);
      onTransfer({ kind: "fallback", store: this.name, place: source.name, reason: error.message });
      return otherwise;
    }
  }

  async #settle<T>(ask: (place: SourcePlace) => Promise<T>, call: Call): Promise<T> {
    const [place, answer] = await this.#try(ask, call);
    this.#current = place;
    return answer;
  }

  async #try<T>(ask: (place: SourcePlace) => Promise<T>, call: Call): Promise<[SourcePlace, T]> {
    const { places, onTransfer } = this.#parts;
    const others = places.filter((place) => place !== this.#current);
    const failures = new Map<SourcePlace, ComposeImageError>();
    for (const place of [this.#current, ...others]) {
      try {
        return [place, await ask(place)];
      } catch (error) {
        call.signal.throwIfAborted();
        if (!(error instanceof ComposeImageError)) throw error;
        failures.set(place, error);
        if (failures.size < places.length) {
          onTransfer({ kind: "fallback", store: this.name, place: place.source.name, reason: error.message });
        }
      }
    }
    throw this.#allFailed(places.map((place) => failures.get(place)).filter((error) => error !== undefined));
  }

  /** With the code, and the hint, of the place that is meant to have everything: the last. */
  #allFailed(failures: readonly ComposeImageError[]): ComposeImageError {
    const last = failures.at(-1);
    if (last === undefined || failures.length === 1) return this.#withReference(last);
    const { side, reference, file } = this.#parts;
    const told = failures.map(({ message }) => withoutSide(message, side)).join("; ");
    return new ComposeImageError(
      last.code,
      `${side} ${reference}: none of the ${failures.length} places that ${file} gives has it: ${told}`,
      { hint: last.hint, cause: last.cause },
    );
  }

  #withReference(error: unknown): ComposeImageError {
    if (!(error instanceof ComposeImageError)) {
      return new ComposeImageError("INTERNAL", `${this.name} failed in no place`, { cause: error });
    }
    const { reference, file } = this.#parts;
    return new ComposeImageError(error.code, `${error.message} (asked for ${reference}, by ${file})`, {
      hint: error.hint,
      cause: error.cause,
    });
  }

  async *#named(content: Content): Content & AsyncGenerator<Uint8Array> {
    try {
      yield* content;
    } catch (error) {
      throw error instanceof ComposeImageError ? this.#withReference(error) : error;
    }
  }
}

function selectorAt({ tag }: SourcePlace, selector: ManifestSelector): ManifestSelector {
  return tag === undefined || "digest" in selector ? selector : { tag };
}

function withoutSide(message: string, side: Side): string {
  return message.startsWith(`${side} `) ? message.slice(side.length + 1) : message;
}
