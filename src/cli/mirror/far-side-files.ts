import type { ConfigFile } from "../../mirror/far-side/hosts-toml.ts";
import type { RegistryPlace } from "../../model/mirror-place.ts";
import type { MirrorPlan } from "../../plan/mirror-plan.ts";

/** For whom the configuration of a site can be written. */
export const farSideFormats = ["registries.conf", "hosts.toml", "openshift"] as const;

/** One of {@link farSideFormats}. */
export type FarSideFormat = (typeof farSideFormats)[number];

/**
 * The files by which machines pull from a mirror what a plan mirrors.
 *
 * @param isInsecure whether the mirror speaks plain HTTP, or its certificate is not to be verified.
 * @throws ComposeImageError `USAGE` for what the format cannot say.
 */
export async function farSideFiles(
  { repositories }: MirrorPlan,
  { registry, prefix }: RegistryPlace,
  format: FarSideFormat,
  isInsecure: boolean,
): Promise<readonly ConfigFile[]> {
  const names = repositories.map((each) => ({
    registry: each.registry,
    repository: each.repository,
    target: prefix === "" ? each.target : `${prefix}/${each.target}`,
  }));
  const mirror = { registry, ...(isInsecure && { insecure: true }) };
  switch (format) {
    case "registries.conf": {
      const { registriesConf } = await import("../../mirror/far-side/registries-conf.ts");
      return [{ path: "registries.conf", text: registriesConf(names, mirror) }];
    }
    case "hosts.toml": {
      const { hostsToml } = await import("../../mirror/far-side/hosts-toml.ts");
      return hostsToml(names, mirror);
    }
    case "openshift": {
      const { mirrorSets } = await import("../../mirror/far-side/mirror-sets.ts");
      return [{ path: "mirror-sets.yaml", text: mirrorSets(names, mirror) }];
    }
  }
}
