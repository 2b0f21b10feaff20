import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Call } from "../io/call.ts";
import { errnoOf, localError } from "../io/local-error.ts";
import type { Side } from "../io/transfer.ts";
import { ComposeImageError } from "../model/errors.ts";
import {
  type ArchiveLocation,
  formatLocation,
  type ImageLocation,
  isArchive,
  type LayoutLocation,
  standardOutput,
} from "../model/location.ts";
import { openArchive } from "./archive/open-archive.ts";
import { type ArchiveTargetOptions, archivePath, openArchiveTarget } from "./archive/open-archive-target.ts";
import { openLayout } from "./layout/open-layout.ts";
import { RegistryClient, type RegistryClientOptions } from "./registry/client.ts";
import type { ListedSource, ManifestSelector } from "./source.ts";
import type { Target } from "./target.ts";

/** Options of {@link Stores}. */
export interface StoresOptions extends RegistryClientOptions, ArchiveTargetOptions {}

/** Opens stores by location, and closes what they hold open. */
export class Stores implements AsyncDisposable {
  readonly #registries: RegistryClient;
  /** Released with the stores. */
  readonly #open: AsyncDisposable[] = [];
  /** Archives that are written, by path. */
  readonly #targets = new Map<
    string,
    { readonly transport: ArchiveLocation["transport"]; readonly target: Promise<Target> }
  >();
  readonly #options: ArchiveTargetOptions;

  constructor(options: StoresOptions) {
    this.#registries = new RegistryClient(options);
    this.#options = options;
  }

  /**
   * The store an image is read from, and how to ask it for the image.
   *
   * @throws ComposeImageError `LAYOUT_INVALID`, `ARCHIVE_INVALID`, `MANIFEST_NOT_FOUND` for a layout or archive that is not
   *   there or has not the one image meant; `USAGE` for a blocked registry.
   */
  async source(
    location: ImageLocation,
    side: Side,
    call: Call,
  ): Promise<{ readonly source: ListedSource; readonly selector: ManifestSelector }> {
    if (location.transport === "registry") {
      const { tag, digest } = location.reference;
      const source = this.#registries.source(location.reference, side);
      return { source, selector: digest === undefined ? { tag: tag ?? "latest" } : { digest } };
    }
    if (isArchive(location)) {
      const archive = await openArchive(location, side, call);
      this.#open.push(archive);
      return archive;
    }
    await expectDirectory(location, side);
    const layout = await openLayout(location.directory, { side }, call);
    const { tag } = location;
    return {
      source: layout,
      selector: tag === undefined ? { digest: (await layout.soleImage(call)).digest } : { tag },
    };
  }

  /**
   * The store an image is written to. A layout directory that is not there yet is made. An archive is the same one each
   * time it is asked for, so that several images come into it.
   *
   * @throws ComposeImageError `LAYOUT_INVALID`, `LOCAL_IO`; `USAGE` for a file that is to be two kinds of archive.
   */
  async target(location: ImageLocation, call: Call): Promise<Target> {
    if (location.transport === "oci")
      return openLayout(location.directory, { create: true, side: "target" }, call);
    if (isArchive(location)) return this.#archiveTarget(location, call);
    const { registry, repository } = location.reference;
    return this.#registries.repository(registry, repository, "target");
  }

  /**
   * The same without making anything: a layout that {@link target} would have to make gives `undefined`, and so does an
   * archive, which is always made anew.
   */
  async existingTarget(location: ImageLocation, call: Call): Promise<Target | undefined> {
    if (location.transport === "registry") return this.target(location, call);
    if (isArchive(location)) return undefined;
    try {
      return await openLayout(location.directory, {}, call);
    } catch (error) {
      if (error instanceof ComposeImageError && error.code === "LAYOUT_INVALID") return undefined;
      throw error;
    }
  }

  async #archiveTarget(location: ArchiveLocation, call: Call): Promise<Target> {
    const { file, transport } = location;
    const path = file === standardOutput ? file : await archivePath(location);
    const known = this.#targets.get(path);
    if (known !== undefined && known.transport !== transport) {
      throw new ComposeImageError("USAGE", `${file} is to be an archive of two kinds`, {
        hint: "A docker-archive holds an OCI layout as well: skopeo reads it as either.",
      });
    }
    const target = known?.target ?? this.#openArchiveTarget(location, call);
    this.#targets.set(path, { transport, target });
    return target;
  }

  async #openArchiveTarget(location: ArchiveLocation, call: Call): Promise<Target> {
    const target = await openArchiveTarget(location, this.#options, call);
    this.#open.push(target);
    return target;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#open.splice(0).map((each) => each[Symbol.asyncDispose]()));
    await this.#registries.close();
  }
}

/** @throws ComposeImageError `MANIFEST_NOT_FOUND` for a layout whose directory is not there; `LOCAL_IO`. */
export async function expectDirectory(location: LayoutLocation, side: Side): Promise<void> {
  try {
    await stat(location.directory);
  } catch (cause) {
    const what = `${side} ${formatLocation(location)}`;
    if (errnoOf(cause) !== "ENOENT") throw localError(cause, `${what} cannot be read`);
    throw new ComposeImageError("MANIFEST_NOT_FOUND", `${what}: there is no ${location.directory}`, {
      hint: "Check the path; it is meant from the current directory.",
    });
  }
}

/** What two locations have in common when they mean the same store. */
export function storeKey(location: ImageLocation): string {
  if (location.transport === "oci") return `oci:${resolve(location.directory)}`;
  if (isArchive(location)) return archiveKey(location);
  const { registry, repository } = location.reference;
  return `${registry}/${repository}`;
}

function archiveKey({ transport, file }: ArchiveLocation): string {
  return `${transport}:${file === standardOutput ? file : resolve(file)}`;
}
