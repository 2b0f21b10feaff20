import { stringify } from "yaml";
import { ComposeImageError } from "../../model/errors.ts";
import { mirrorRules } from "./mirror-rules.ts";
import { hostOf, joinPath, type MirroredName, type MirrorRegistry } from "./mirrored-name.ts";

/** A label of DNS: what Kubernetes takes as a name everywhere. */
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * OpenShift's `ImageDigestMirrorSet` and `ImageTagMirrorSet`, two YAML documents: nodes read what is mirrored from the mirror,
 * by digest and by tag, and from where it is from when the mirror has it not.
 *
 * @param name of both. Default `compose-image` and the mirror's host: `compose-image-mirror-example-5000`.
 * @throws ComposeImageError `USAGE` for names that no rules can tell apart, and a name that is none for Kubernetes;
 *   `REFERENCE_INVALID`.
 * @see https://github.com/openshift/api/blob/master/config/v1/types_image_digest_mirror_set.go
 */
export function mirrorSets(names: readonly MirroredName[], mirror: MirrorRegistry, name?: string): string {
  const home = hostOf(mirror.registry);
  const called = name ?? usualName(home);
  if (!label.test(called)) {
    throw new ComposeImageError("USAGE", `${JSON.stringify(called)} is no name of a mirror set`, {
      hint: "A name has lower-case letters, digits and -, at most 63 of them, and neither begins nor ends with -.",
    });
  }
  const mirrors = mirrorRules(names, mirror).map(({ registry, path, target }) => ({
    source: joinPath(registry, path),
    mirrors: [joinPath(home, target)],
    mirrorSourcePolicy: "AllowContactingSource",
  }));
  const documents = [
    ["ImageDigestMirrorSet", { imageDigestMirrors: mirrors }],
    ["ImageTagMirrorSet", { imageTagMirrors: mirrors }],
  ].map(([kind, spec]) => {
    const set = { apiVersion: "config.openshift.io/v1", kind, metadata: { name: called }, spec };
    return stringify(set, { lineWidth: 0, aliasDuplicateObjects: false });
  });
  const note =
    mirror.insecure === true
      ? `# The mirror is insecure: ${home} has to be among spec.registrySources.insecureRegistries of\n# image.config.openshift.io/cluster.\n`
      : "";
  return `${note}${documents.join("---\n")}`;
}

function usualName(home: string): string {
  const host = home.replace(/[^a-z0-9]+/g, "-");
  return `compose-image-${host}`.slice(0, 63).replace(/-+$/, "");
}
