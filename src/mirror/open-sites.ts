import { stat } from "node:fs/promises";
import type { Call } from "../io/call.ts";
import type { Side } from "../io/transfer.ts";
import {
  type FilePlace,
  formatMirrorPlace,
  type MirrorPlace,
  type RegistryPlace,
} from "../model/mirror-place.ts";
import { ForecastTarget } from "../ops/copy-forecast.ts";
import { openLayoutArchive } from "../store/archive/open-archive.ts";
import { openArchiveTarget } from "../store/archive/open-archive-target.ts";
import { openLayout } from "../store/layout/open-layout.ts";
import { baseRepositoryOf } from "../store/layout/placement.ts";
import { RepositoriesInLayout } from "../store/layout/repositories-in-layout.ts";
import { expectDirectory, type StoresOptions } from "../store/open-stores.ts";
import { RegistryClient } from "../store/registry/client.ts";
import type { ListedSource } from "../store/source.ts";
import type { Site } from "./site.ts";

/** Opens the places that mirrors read and write, and closes what they hold open. */
export class Sites implements AsyncDisposable {
  readonly #registries: RegistryClient;
  readonly #options: StoresOptions;
  /** By side and place. */
  readonly #sites = new Map<string, Promise<Site>>();
  /** Released with the sites. */
  readonly #open: AsyncDisposable[] = [];

  /** @throws ComposeImageError `USAGE` for files named in the options that cannot be read or used. */
  constructor(options: StoresOptions) {
    this.#registries = new RegistryClient(options);
    this.#options = options;
  }

  /**
   * A repository to mirror from: from where its name says, or from the mirrors that `registries.conf` gives.
   *
   * @throws ComposeImageError `USAGE` for one that is blocked.
   */
  sourceRepository(registry: string, repository: string): ListedSource {
    return this.#registries.source({ registry, repository }, "source");
  }

  /**
   * A place to be read; the same object for the same place.
   *
   * @throws ComposeImageError `LAYOUT_INVALID`, `ARCHIVE_INVALID`, `MANIFEST_NOT_FOUND` for a layout or archive that is not
   *   there; `USAGE` for standard input.
   */
  source(place: MirrorPlace, call: Call): Promise<Site> {
    return this.#once(place, "source", () =>
      place.transport === "registry" ? this.#registrySite(place, "source") : this.#readable(place, call),
    );
  }

  /**
   * A place to be written; the same object for the same place. A layout that is not there is made; an archive is made anew, and
   * appears when the site is committed.
   *
   * @throws ComposeImageError `LAYOUT_INVALID`, `LOCAL_IO`, `DISK_FULL`; `USAGE` for what cannot become an archive.
   */
  target(place: MirrorPlace, call: Call): Promise<Site> {
    return this.#once(place, "target", () =>
      place.transport === "registry" ? this.#registrySite(place, "target") : this.#writable(place, call),
    );
  }

  /**
   * A place that may become one to be written, without making anything: what is not there yet is empty.
   *
   * @throws ComposeImageError `LAYOUT_INVALID` for a directory that holds something else.
   */
  async existing(place: MirrorPlace, call: Call): Promise<Site> {
    if (place.transport === "registry") return this.target(place, call);
    const isThere = place.transport === "oci" && (await isDirectory(place.directory));
    return isThere ? this.#readable(place, call) : emptySite(formatMirrorPlace(place));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#open.splice(0).map((each) => each[Symbol.asyncDispose]()));
    await this.#registries.close();
  }

  #once(place: MirrorPlace, side: Side, open: () => Promise<Site>): Promise<Site> {
    const key = `${side} ${formatMirrorPlace(place)}`;
    const site = this.#sites.get(key) ?? open();
    this.#sites.set(key, site);
    site.catch(() => this.#sites.delete(key));
    return site;
  }

  async #registrySite(place: RegistryPlace, side: Side): Promise<Site> {
    const { registry, prefix } = place;
    const start = prefix === "" ? "" : `${prefix}/`;
    const path = prefix === "" ? undefined : prefix;
    return {
      name: formatMirrorPlace(place),
      repositories: async (call) => {
        const listed = await this.#registries.repositories(registry, path, side, call);
        return listed.filter((each) => each.startsWith(start)).map((each) => each.slice(start.length));
      },
      repository: (each) => this.#registries.repository(registry, `${start}${each}`, side),
    };
  }

  async #readable(place: FilePlace, call: Call): Promise<Site> {
    if (place.transport === "oci") {
      await expectDirectory(place, "source");
      const layout = await openLayout(place.directory, { side: "source" }, call);
      const repositories = new RepositoriesInLayout(layout, baseRepositoryOf(place.directory));
      return { ...siteOf(place, repositories), blobs: (inner) => layout.blobs.list(inner) };
    }
    const archive = await openLayoutArchive(place, "source", call);
    this.#open.push(archive);
    return siteOf(place, new RepositoriesInLayout(archive.images, baseRepositoryOf(place.file)));
  }

  async #writable(place: FilePlace, call: Call): Promise<Site> {
    if (place.transport === "oci") {
      const layout = await openLayout(place.directory, { create: true, side: "target" }, call);
      return siteOf(place, new RepositoriesInLayout(layout, baseRepositoryOf(place.directory), layout));
    }
    const archive = await openArchiveTarget(place, this.#options, call);
    this.#open.push(archive);
    await archive.changeEntries((entries) => entries);
    const repositories = new RepositoriesInLayout(archive, baseRepositoryOf(place.file), archive);
    return { ...siteOf(place, repositories), commit: (inner) => archive.commit(inner) };
  }
}

function siteOf(place: FilePlace, repositories: RepositoriesInLayout): Site {
  return {
    name: formatMirrorPlace(place),
    repositories: (call) => repositories.names(call),
    repository: (path) => repositories.repository(path),
  };
}

function emptySite(name: string): Site {
  return {
    name,
    repositories: async () => [],
    repository: (path) => new ForecastTarget(`${name}:${path}`, undefined),
  };
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
