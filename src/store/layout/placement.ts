import { basename, resolve } from "node:path";
import { isRepository, isTag, parseReference } from "../../model/reference.ts";
import { type IndexEntry, imageNameAnnotation, refName, refNameAnnotation } from "./index-entry.ts";
import { repositoryAnnotation } from "./repository-annotation.ts";

/** Where an entry of `index.json` appears among repositories. Without a tag it is found by digest alone. */
export interface Placement {
  readonly repository: string;
  readonly tag?: string;
}

/** An entry and where it appears. */
export interface PlacedEntry extends Placement {
  readonly entry: IndexEntry;
}

/**
 * Where all of them appear. The only image without any name also is the base repository's `latest`, unless that has one: it
 * could not be asked for otherwise.
 */
export function placeEntries(entries: readonly IndexEntry[], baseRepository: string): readonly PlacedEntry[] {
  const placed = entries.map((entry) => ({ ...placementOf(entry, baseRepository), entry }));
  const inBase = placed.filter(({ repository }) => repository === baseRepository);
  const [nameless, ...more] = inBase.filter(({ entry }) => isNameless(entry));
  const isOnly = more.every(({ entry }) => entry.descriptor.digest === nameless?.entry.descriptor.digest);
  if (nameless === undefined || !isOnly || inBase.some(({ tag }) => tag === "latest")) return placed;
  return [...placed, { ...nameless, tag: "latest" }];
}

function isNameless(entry: IndexEntry): boolean {
  const { annotations = {} } = entry.descriptor;
  return [refNameAnnotation, imageNameAnnotation, repositoryAnnotation].every(
    (key) => annotations[key] === undefined,
  );
}

/**
 * Where an entry appears. A whole name as docker and containerd annotate it says it all, without its registry: that is what
 * a mirror is asked for. Next comes its ref.name `repository:tag`, without a registry where that has a port. Else the annotation
 * `io.github.compose-image.repository`, or failing that `baseRepository`, is the repository, and a ref.name that is a
 * tag is the tag: that is how skopeo and umoci write one.
 */
export function placementOf(entry: IndexEntry, baseRepository: string): Placement {
  const { annotations = {} } = entry.descriptor;
  const whole = annotations[imageNameAnnotation];
  const named = whole === undefined ? undefined : placementOfName(whole);
  if (named !== undefined) return named;
  const name = refName(entry) ?? "";
  const colon = name.lastIndexOf(":");
  const [repository, tag] = [name.slice(0, Math.max(colon, 0)), name.slice(colon + 1)];
  if (colon > 0 && isRepository(repository) && isTag(tag)) return { repository, tag };
  if (name.includes(":")) {
    const ported = placementOfName(name);
    if (ported !== undefined) return ported;
  }
  const annotated = annotations[repositoryAnnotation];
  return {
    repository: annotated !== undefined && isRepository(annotated) ? annotated : baseRepository,
    ...(isTag(name) && { tag: name }),
  };
}

/** The repository and tag of a whole name; `undefined` for what is none, or has no tag. */
function placementOfName(name: string): Placement | undefined {
  try {
    const { repository, tag } = parseReference(name);
    const [, familiar = repository] = /^library\/([^/]+)$/.exec(repository) ?? [];
    return tag === undefined ? undefined : { repository: familiar, tag };
  } catch {
    return undefined;
  }
}

/** The annotations that place a new entry. */
export function placementAnnotations(placement: Placement): Record<string, string> {
  const { repository, tag } = placement;
  return tag === undefined
    ? { [repositoryAnnotation]: repository }
    : { [refNameAnnotation]: `${repository}:${tag}` };
}

/** Whether the placements are the same. */
export function isAt(actual: Placement, wanted: Placement): boolean {
  return actual.repository === wanted.repository && actual.tag === wanted.tag;
}

/** The repository of entries that name none: the directory's or archive's name, as far as a repository can have it. */
export function baseRepositoryOf(path: string): string {
  const name = basename(resolve(path))
    .toLowerCase()
    .replace(/(?<=.)\.tar(\.sha256|\.0{2,}1)?$/, "");
  const candidates = [
    name.replace(/[^a-z0-9._-]+/g, "-"),
    name.replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, ""),
  ];
  return candidates.find((candidate) => isRepository(candidate)) ?? "image";
}
