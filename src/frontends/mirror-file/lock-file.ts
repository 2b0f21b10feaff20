import { type Digest, isDigest } from "../../model/digest.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../model/json.ts";
import { parseJsonObject } from "../../model/parse-json.ts";
import { isRepository, isTag, parseRegistryName } from "../../model/reference.ts";
import { visibleText } from "../../model/visible-text.ts";
import type { LockedImage, MirrorLock } from "../../plan/mirror-plan.ts";
import { nearestWord } from "../yaml/nearest.ts";

/** Of the format; a file of another one is not read. */
const version = 1;

/**
 * The lock file: JSON with a line for each image, in the order of targets, tags and digests. The same images give the same
 * bytes, whatever order they come in.
 */
export function formatMirrorLock({ images }: MirrorLock): string {
  const lines = sorted(images).map((image) => {
    const { registry, repository, target, tag, digest, referrers } = image;
    const named = tag === undefined ? {} : { tag };
    return `    ${JSON.stringify({ target, ...named, digest, registry, repository, referrers: referrers.toSorted() })}`;
  });
  const list = lines.length === 0 ? "[]" : `[\n${lines.join(",\n")}\n  ]`;
  return `{\n  "version": ${version},\n  "images": ${list}\n}\n`;
}

/**
 * Reads a lock file, in any layout and order of its images.
 *
 * @param name the file's, for messages.
 * @throws ComposeImageError `USAGE` with the path of what is wrong: `mirror.lock.json: images[3].digest`.
 */
export function parseMirrorLock(text: string, name: string): MirrorLock {
  const reader = new LockReader(name);
  return { images: sorted(reader.read(text)) };
}

class LockReader {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  read(text: string): readonly LockedImage[] {
    const document = parseJsonObject(Buffer.from(text), (what) =>
      this.#fault("", `is ${what}`, conflictHint(text)),
    );
    if (document.version !== version) {
      const given = document.version === undefined ? "is missing" : `is ${shown(document.version)}`;
      throw this.#fault(
        "version",
        `${given}, and has to be ${version}`,
        "Another version of compose-image wrote it; write it anew, without --locked.",
      );
    }
    this.#expectKeys("", document, ["version", "images"], []);
    const { images } = document;
    if (!Array.isArray(images)) throw this.#fault("images", "has to be a list", anewHint);
    const seen = new Map<string, number>();
    return images.map((image, i) => {
      const read = this.#image(`images[${i}]`, image);
      const key = `${read.target}${read.tag === undefined ? `@${read.digest}` : `:${read.tag}`}`;
      const former = seen.get(key);
      if (former !== undefined) {
        throw this.#fault(
          `images[${i}]`,
          `is ${key}, which images[${former}] is already`,
          "Leave one of them out.",
        );
      }
      seen.set(key, i);
      return read;
    });
  }

  #image(path: string, image: Json): LockedImage {
    if (!isJsonObject(image)) throw this.#fault(path, "has to be an object", anewHint);
    this.#expectKeys(path, image, ["target", "digest", "registry", "repository", "referrers"], ["tag"]);
    const { referrers, digest } = image;
    if (!isDigest(digest)) throw this.#noDigest(`${path}.digest`, digest);
    if (!Array.isArray(referrers))
      throw this.#fault(`${path}.referrers`, "has to be a list of digests", anewHint);
    return {
      target: this.#text(path, image, "target", "a repository's path", isRepository),
      tag: image.tag === undefined ? undefined : this.#text(path, image, "tag", "a tag", isTag),
      digest,
      registry: this.#text(path, image, "registry", "a registry's host", isHost),
      repository: this.#text(path, image, "repository", "a repository's path", isRepository),
      referrers: this.#digests(`${path}.referrers`, referrers),
    };
  }

  #digests(path: string, referrers: readonly Json[]): readonly Digest[] {
    const digests = referrers.map((referrer, i) => {
      if (isDigest(referrer)) return referrer;
      throw this.#noDigest(`${path}[${i}]`, referrer);
    });
    return [...new Set(digests)].sort();
  }

  #text(
    path: string,
    image: JsonObject,
    key: string,
    wanted: string,
    isRight: (text: string) => boolean,
  ): string {
    const value = image[key];
    if (typeof value === "string" && isRight(value)) return value;
    throw this.#fault(`${path}.${key}`, `is ${shown(value)}, which is not ${wanted}`, anewHint);
  }

  #expectKeys(
    path: string,
    object: JsonObject,
    required: readonly string[],
    optional: readonly string[],
  ): void {
    const known = [...required, ...optional];
    const unknown = Object.keys(object).find((key) => !known.includes(key));
    if (unknown !== undefined) {
      const nearest = nearestWord(unknown, known);
      const meant = nearest === undefined ? "" : `Did you mean ${nearest}? `;
      throw this.#fault(
        path,
        `has the key ${shown(unknown)}, which is not known`,
        `${meant}Known are ${known.join(", ")}.`,
      );
    }
    const missing = required.find((key) => object[key] === undefined);
    if (missing !== undefined) throw this.#fault(path, `lacks the key ${missing}`, anewHint);
  }

  #noDigest(path: string, value: Json | undefined): ComposeImageError {
    return this.#fault(
      path,
      `is ${shown(value)}, which is not a digest`,
      "A digest is sha256: and 64, or sha512: and 128, lower-case hexadecimal digits.",
    );
  }

  #fault(path: string, what: string, hint: string): ComposeImageError {
    const place = path === "" ? this.#name : `${this.#name}: ${path}`;
    return new ComposeImageError("USAGE", `${place} ${what}`, { hint });
  }
}

const anewHint = "Put it right, or write the file anew: run without --locked.";

function conflictHint(text: string): string {
  return /^<{7} /m.test(text)
    ? "It has marks of a merge conflict; write it anew, without --locked."
    : anewHint;
}

function isHost(text: string): boolean {
  try {
    return parseRegistryName(text).registry === text;
  } catch {
    return false;
  }
}

function shown(value: Json | undefined): string {
  return visibleText((JSON.stringify(value) ?? "missing").slice(0, 200));
}

function sorted(images: readonly LockedImage[]): readonly LockedImage[] {
  const key = ({ target, tag, digest }: LockedImage): string => `${target}\n${tag ?? ""}\n${digest}`;
  return images
    .map((image) => ({ image, key: key(image) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ image }) => image);
}
