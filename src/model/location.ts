import { ComposeImageError } from "./errors.ts";
import { formatReference, parseReference, type Reference } from "./reference.ts";

/** An image in a registry. */
export interface RegistryLocation {
  readonly transport: "registry";
  readonly reference: Reference;
}

/** An image in an OCI image layout directory. Without `tag`, the layout's only image is meant. */
export interface LayoutLocation {
  readonly transport: "oci";
  readonly directory: string;
  readonly tag?: string;
}

/** Where an image is, by transport, in the words of containers-transports(5). */
export type ImageLocation = RegistryLocation | LayoutLocation;

const layoutRef =
  /^[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*(?:\/[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*)*$/;
const transportsToCome =
  /^(oci-archive|docker-archive|docker-daemon|dir|containers-storage|ostree|sif|tarball):/;

/**
 * Reads `[docker://]reference` or `oci:DIR[:TAG]`.
 *
 * @throws ComposeImageError `REFERENCE_INVALID`
 */
export function parseLocation(text: string): ImageLocation {
  const other = transportsToCome.exec(text)?.[1];
  if (other !== undefined) {
    throw new ComposeImageError(
      "REFERENCE_INVALID",
      `the transport ${other}: in ${JSON.stringify(text)} is not supported`,
      {
        hint: "Use a registry reference or oci:DIR[:TAG]; skopeo copy turns other transports into these.",
      },
    );
  }
  if (!text.startsWith("oci:")) return { transport: "registry", reference: parseReference(text) };
  const rest = text.slice("oci:".length);
  const colon = rest.indexOf(":");
  const directory = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  if (directory === "" || (tag !== undefined && !layoutRef.test(tag))) {
    throw new ComposeImageError("REFERENCE_INVALID", `malformed reference ${JSON.stringify(text)}`, {
      hint: "An OCI layout is written oci:DIR or oci:DIR:TAG.",
    });
  }
  return { transport: "oci", directory, ...(tag !== undefined && { tag }) };
}

/** The location as it is written on the command line. */
export function formatLocation(location: ImageLocation): string {
  if (location.transport === "registry") return formatReference(location.reference);
  return `oci:${location.directory}${location.tag === undefined ? "" : `:${location.tag}`}`;
}
