import { ComposeImageError } from "../../model/errors.ts";
import { isRepository, parseRegistryName } from "../../model/reference.ts";

/** A repository that was mirrored. */
export interface MirroredName {
  /** Of the source, as in references: `docker.io`, `registry.example:5000`. */
  readonly registry: string;
  /** Of the source: `library/debian`. */
  readonly repository: string;
  /** The repository at the mirror: `hub/library/debian`. */
  readonly target: string;
}

/** The registry that has the copies. */
export interface MirrorRegistry {
  /** Host with port: `mirror.example:5000`. */
  readonly registry: string;
  /** Whether it speaks plain HTTP, or has a certificate that is not verified. Default `false`. */
  readonly insecure?: boolean | undefined;
}

/**
 * The names in order, each once, hosts in lower case; without those that are at the mirror under their own names.
 *
 * @throws ComposeImageError `USAGE` for a repository with two targets; `REFERENCE_INVALID`.
 */
export function orderedNames(names: readonly MirroredName[], mirror: MirrorRegistry): MirroredName[] {
  const home = hostOf(mirror.registry);
  const byName = new Map<string, MirroredName>();
  for (const { registry, repository, target } of names) {
    const name = { registry: hostOf(registry), repository, target };
    const text = nameOf(name);
    for (const path of [repository, target]) {
      if (!isRepository(path))
        throw new ComposeImageError("REFERENCE_INVALID", `${JSON.stringify(path)} is no repository`);
    }
    const known = byName.get(text);
    if (known !== undefined && known.target !== target) {
      throw new ComposeImageError("USAGE", `${text} is mirrored to both ${known.target} and ${target}`, {
        hint: "A client asks for a repository in one place: mirror it to one.",
      });
    }
    if (name.registry !== home || repository !== target) byName.set(text, name);
  }
  return [...byName.keys()]
    .sort()
    .map((key) => byName.get(key))
    .filter((name) => name !== undefined);
}

/** `registry/repository` */
export function nameOf({ registry, repository }: Pick<MirroredName, "registry" | "repository">): string {
  return `${registry}/${repository}`;
}

/** A registry's host in lower case. */
export function hostOf(registry: string): string {
  const { registry: host, path } = parseRegistryName(registry);
  if (path !== "") {
    throw new ComposeImageError("REFERENCE_INVALID", `${JSON.stringify(registry)} is not a registry's host`);
  }
  return host.toLowerCase();
}

/** The path below another; either may be empty. */
export function joinPath(path: string, below: string): string {
  return path === "" || below === "" ? `${path}${below}` : `${path}/${below}`;
}

/** What is before a path's end: `a` for `a/b/c` without `b/c`; `undefined` where it ends otherwise. */
export function withoutEnd(path: string, end: string): string | undefined {
  if (path === end) return "";
  if (end === "") return path;
  return path.endsWith(`/${end}`) ? path.slice(0, -end.length - 1) : undefined;
}
