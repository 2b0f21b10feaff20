import type { Call } from "../io/call.ts";
import type { Digest } from "../model/digest.ts";
import type { Target } from "../store/target.ts";

/**
 * A place that holds many repositories: a registry, with a prefix perhaps, a layout, an archive. What is written to one of
 * its repositories is that repository's alone, whatever tags the others have.
 */
export interface Site {
  /** As it is written on the command line: `mirror.example:5000/hub`, `oci:images`. */
  readonly name: string;

  /**
   * The paths of the repositories there, without the site's own prefix, sorted.
   *
   * @throws ComposeImageError the store's; `REGISTRY_REJECTED` for registries that do not list theirs.
   */
  repositories(call: Call): Promise<readonly string[]>;

  /** A repository, there or not; the same object for the same path. Makes no request. */
  repository(path: string): Target;

  /** Set where what one repository has the others may be without, though they share their content: in a delta. */
  readonly isDelta?: boolean;

  /** Every blob and manifest that is there, whether or not anything names it, where that can be listed: in layouts. */
  blobs?(call: Call): AsyncIterable<Digest>;

  /** Makes all that was written appear, where that happens at once. */
  commit?(call: Call): Promise<void>;
}
