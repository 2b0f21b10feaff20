import { mirrorRules } from "./mirror-rules.ts";
import { hostOf, joinPath, type MirroredName, type MirrorRegistry } from "./mirrored-name.ts";

/**
 * A `registries.conf` for podman, buildah, skopeo, CRI-O and this program: mirrored repositories are read from the mirror,
 * by tag and by digest, and from where they are from when it has them not.
 *
 * @throws ComposeImageError `USAGE` for names that no rules can tell apart; `REFERENCE_INVALID`.
 * @see https://github.com/containers/image/blob/v5.36.0/docs/containers-registries.conf.5.md
 */
export function registriesConf(names: readonly MirroredName[], mirror: MirrorRegistry): string {
  const home = hostOf(mirror.registry);
  const tables = mirrorRules(names, mirror).map(({ registry, path, target }) => {
    const prefix = JSON.stringify(joinPath(registry, path));
    return [
      "[[registry]]",
      `prefix = ${prefix}`,
      `location = ${prefix}`,
      "",
      "[[registry.mirror]]",
      `location = ${JSON.stringify(joinPath(home, target))}`,
      ...(mirror.insecure === true ? ["insecure = true"] : []),
      "",
    ].join("\n");
  });
  return ["# What is mirrored is read from the mirror.\n", ...tables].join("\n");
}
