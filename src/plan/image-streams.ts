import type { Digest } from "../model/digest.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { ImageLocation } from "../model/location.ts";
import {
  formatReference,
  isRepository,
  isTag,
  parseReference,
  parseRegistryName,
  type RegistryName,
} from "../model/reference.ts";
import { within } from "./within.ts";

/** A tag or an image of an OpenShift image stream: a name that only its cluster knows the image of. */
export interface ImageStreamName {
  readonly namespace: string;
  readonly name: string;
  /** Either this or `digest`. */
  readonly tag?: string;
  readonly digest?: Digest;
  /** Place and path of the name, for messages. */
  readonly what: string;
}

/** What is known of image streams. */
export interface ImageStreams {
  /** Where a cluster's image streams can be pulled from. */
  readonly registry?: RegistryName | undefined;
  /** Images by `namespace/name:tag`; they come before the registry. */
  readonly known?: Readonly<Record<string, ImageLocation>> | undefined;
}

/** What the names of image streams are written like: `namespace/name:tag` or `namespace/name@digest`. */
export const imageStreamPattern =
  "^[a-z0-9][a-z0-9.-]*/[a-z0-9][a-z0-9._-]*(?::[\\w.-]+|@sha256:[0-9a-f]{64})$";

/**
 * Reads `HOST[/PATH]`, the registry of image streams.
 *
 * @param what names the setting in messages.
 * @throws ComposeImageError `REFERENCE_INVALID`; `USAGE` for a host that a reference would take for a path.
 */
export function parseImageStreamRegistry(text: string, what: string): RegistryName {
  const name = within(what, () => parseRegistryName(text));
  if (parseReference(`${name.registry}/a/b:c`).registry === name.registry) return name;
  throw new ComposeImageError(
    "USAGE",
    `${what} ${text}: a host without a dot or a port is taken for a path`,
    {
      hint: "Write the host with its port, or with its domain.",
    },
  );
}

/** The name as messages and mappings have it: `namespace/name:tag`. */
function formatImageStream({ namespace, name, tag, digest }: Omit<ImageStreamName, "what">): string {
  return `${namespace}/${name}${tag === undefined ? `@${digest}` : `:${tag}`}`;
}

/**
 * The image that a name stands for: what the mapping has, else the repository `namespace/name` of the registry.
 *
 * @throws ComposeImageError `USAGE` where neither is known, or for what is no name of an image stream.
 */
export function followImageStream(stream: ImageStreamName, streams: ImageStreams): ImageLocation {
  const { registry, known = {} } = streams;
  const { namespace, name, tag, digest, what } = stream;
  const formatted = formatImageStream(stream);
  expectPart(namespace, isComponent(namespace), `${what}: the namespace`);
  expectPart(name, isComponent(name), `${what}: the name`);
  if (tag !== undefined) expectPart(tag, isTag(tag), `${what}: the tag`);
  if (Object.hasOwn(known, formatted)) {
    const location = known[formatted];
    if (location !== undefined) return location;
  }
  if (registry === undefined) {
    throw new ComposeImageError("USAGE", `${what}: nothing says what image ${formatted} is`, {
      hint: `An image stream is followed by --imagestream-registry HOST, or by imagestreams: {"${formatted}": IMAGE} in a compose.yaml.`,
    });
  }
  const repository = [registry.path, namespace, name].filter((part) => part !== "").join("/");
  const reference = {
    registry: registry.registry,
    repository,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
  };
  return { transport: "registry", reference: within(what, () => parseReference(formatReference(reference))) };
}

function isComponent(text: string): boolean {
  return isRepository(text) && !text.includes("/");
}

function expectPart(text: string, isSound: boolean, what: string): void {
  if (isSound) return;
  throw new ComposeImageError(
    "USAGE",
    `${what} ${JSON.stringify(text)} is none that an image stream can have`,
    {
      hint: "Namespaces and names have lower-case letters, digits, . and -; tags upper-case letters and _ as well.",
    },
  );
}
