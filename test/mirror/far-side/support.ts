import type { MirroredName, MirrorRegistry } from "../../../src/mirror/far-side/mirrored-name.ts";

export const mirror: MirrorRegistry = { registry: "mirror.example:5000" };

/** Names by lines like `docker.io/library/debian > hub/library/debian`. */
export function namesOf(...lines: readonly string[]): MirroredName[] {
  return lines.map((line) => {
    const [, registry = "", repository = "", target = ""] = /^([^/]+)\/(\S+) > (\S+)$/.exec(line) ?? [];
    return { registry, repository, target };
  });
}
