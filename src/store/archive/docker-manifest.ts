import { ComposeImageError } from "../../model/errors.ts";
import { isJsonObject, isStringList } from "../../model/json.ts";
import { formatReference, parseReference, type Reference } from "../../model/reference.ts";

/**
 * An image in the `manifest.json` of `docker save`.
 *
 * @see https://github.com/moby/docker-image-spec/blob/v1.3.1/spec.md#combined-image-json--filesystem-changeset-format
 */
export interface DockerImage {
  /** Member with the configuration. */
  readonly config: string;
  /** What the image is called, as the file has it. */
  readonly names: readonly string[];
  /** Members with the layers, bottom first. */
  readonly layers: readonly string[];
}

/** Largest `manifest.json` read, in bytes. */
export const maxDockerManifestSize = 4 * 1024 * 1024;

/**
 * Reads `manifest.json`.
 *
 * @param invalid makes the error for anything that is none.
 */
export function parseDockerManifest(
  bytes: Uint8Array,
  invalid: (what: string) => ComposeImageError,
): DockerImage[] {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw invalid("not JSON");
  }
  if (!Array.isArray(document)) throw invalid("not a list of images");
  return document.map((item: unknown, i) => {
    const { Config: config, RepoTags: names, Layers: layers } = isJsonObject(item) ? item : {};
    if (typeof config !== "string") throw invalid(`image ${i + 1} has no Config`);
    if (!isStringList(layers)) throw invalid(`image ${i + 1} has no list of Layers`);
    if (names !== undefined && names !== null && !isStringList(names)) {
      throw invalid(`image ${i + 1} has RepoTags that are no list of names`);
    }
    return { config, names: isStringList(names) ? names : [], layers };
  });
}

/**
 * The image that is called so, or the only one.
 *
 * @param name the archive as it is written on the command line.
 * @param subject the archive in messages.
 * @throws ComposeImageError `MANIFEST_NOT_FOUND`, with the names there are.
 */
export function chooseDockerImage(
  images: readonly DockerImage[],
  reference: Reference | undefined,
  name: string,
  subject: string,
): DockerImage {
  const names = images.flatMap((image) => image.names);
  const known = names.length === 0 ? "Its images have no names." : `Its images are ${names.join(", ")}.`;
  const wanted = reference && formatReference(reference);
  const [found, ...more] =
    wanted === undefined
      ? images
      : images.filter((image) => image.names.some((each) => fullName(each) === wanted));
  if (found === undefined) {
    throw new ComposeImageError(
      "MANIFEST_NOT_FOUND",
      wanted === undefined ? `${subject} holds no image` : `${subject} has no image ${wanted}`,
      { hint: known },
    );
  }
  if (wanted === undefined && more.length > 0) {
    throw new ComposeImageError(
      "MANIFEST_NOT_FOUND",
      `${subject} holds ${images.length} images, so it has to be said which`,
      { hint: names[0] === undefined ? known : `Add a name, as in ${name}:${names[0]}. ${known}` },
    );
  }
  return found;
}

/** The name with registry and tag, as references are written in full; as it is where it is none. */
function fullName(name: string): string {
  try {
    return formatReference(parseReference(name));
  } catch {
    return name;
  }
}
