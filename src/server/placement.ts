import { basename, resolve } from "node:path";
import { isRepository, isTag } from "../model/reference.ts";
import { type IndexEntry, refName, refNameAnnotation } from "../store/layout/index-entry.ts";
import { repositoryAnnotation } from "../store/layout/repository-annotation.ts";

/** Where an entry of `index.json` appears in the registry. Without a tag it is found by digest alone. */
export interface Placement {
  readonly repository: string;
  readonly tag?: string;
}

/**
 * Where an entry appears: its ref.name `repository:tag` says it all. Else the annotation
 * `io.github.compose-image.repository`, or failing that `baseRepository`, is the repository, and a ref.name that is a
 * tag is the tag: that is how skopeo and umoci write one.
 */
export function placementOf(entry: IndexEntry, baseRepository: string): Placement {
  const name = refName(entry) ?? "";
  const colon = name.lastIndexOf(":");
  const [repository, tag] = [name.slice(0, Math.max(colon, 0)), name.slice(colon + 1)];
  if (colon > 0 && isRepository(repository) && isTag(tag)) return { repository, tag };
  const annotated = entry.descriptor.annotations?.[repositoryAnnotation];
  return {
    repository: annotated !== undefined && isRepository(annotated) ? annotated : baseRepository,
    ...(isTag(name) && { tag: name }),
  };
}

/** The annotations that place a new entry. */
export function placementAnnotations(placement: Placement): Record<string, string> {
  const { repository, tag } = placement;
  return tag === undefined
    ? { [repositoryAnnotation]: repository }
    : { [refNameAnnotation]: `${repository}:${tag}` };
}

/** The repository of entries that name none: the layout directory's name, as far as a repository can have it. */
export function baseRepositoryOf(directory: string): string {
  const name = basename(resolve(directory)).toLowerCase();
  const candidates = [
    name.replace(/[^a-z0-9._-]+/g, "-"),
    name.replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, ""),
  ];
  return candidates.find((candidate) => isRepository(candidate)) ?? "image";
}
