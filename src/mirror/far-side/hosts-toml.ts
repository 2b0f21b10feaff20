import { ComposeImageError } from "../../model/errors.ts";
import { reachOf } from "../../store/registry/hosts/address.ts";
import { apiUrl } from "../../store/registry/hosts/api-host.ts";
import {
  hostOf,
  type MirroredName,
  type MirrorRegistry,
  nameOf,
  orderedNames,
  withoutEnd,
} from "./mirrored-name.ts";
import { Occupied } from "./occupied.ts";

/** A file to be written. */
export interface ConfigFile {
  /** Relative, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** Most repositories that a message lists. */
const mostNamed = 8;

/**
 * `hosts.toml` for containerd, one for each registry that something was mirrored from: the mirror is asked first, for all
 * of the registry, and the registry itself when the mirror has it not.
 *
 * @returns files below `certs.d/`, which is what containerd's `config_path` names.
 * @throws ComposeImageError `USAGE` where a registry's repositories are not all below one path of the mirror, each under its
 *   own name, or another's are among them: containerd knows no rules for single repositories. `REFERENCE_INVALID`.
 * @see https://github.com/containerd/containerd/blob/v2.1.3/docs/hosts.md
 */
export function hostsToml(names: readonly MirroredName[], mirror: MirrorRegistry): ConfigFile[] {
  const ordered = orderedNames(names, mirror);
  const occupied = new Occupied(ordered);
  const byRegistry = Map.groupBy(ordered, ({ registry }) => registry);
  return [...byRegistry].map(([registry, own]) => {
    const target = commonTarget(registry, own, occupied);
    return { path: `certs.d/${registry}/hosts.toml`, text: textOf(registry, target, mirror) };
  });
}

/** The path at the mirror that all of a registry is below. */
function commonTarget(registry: string, names: readonly MirroredName[], occupied: Occupied): string {
  const targets = names.map(({ repository, target }) => withoutEnd(target, repository));
  const [target] = targets;
  if (target === undefined || targets.some((other) => other !== target)) {
    const listed = names.slice(0, mostNamed).map((name) => `${nameOf(name)} at ${name.target}`);
    const more = names.length > mostNamed ? `, and ${names.length - mostNamed} more` : "";
    throw inexpressible(
      registry,
      `its repositories are not below one path of the mirror: ${listed.join(", ")}${more}`,
    );
  }
  const mistake = occupied.mistakeOf(registry, "", target);
  if (mistake === undefined) return target;
  throw inexpressible(
    registry,
    `all of it would be asked for below ${target === "" ? "the mirror's root" : target}, where ${mistake.target} is not ${mistake.name} but another repository`,
  );
}

function inexpressible(registry: string, why: string): ComposeImageError {
  return new ComposeImageError("USAGE", `no hosts.toml of containerd can say where ${registry} is: ${why}`, {
    hint: "Mirror each registry to a path of its own, every repository under its own name; registries.conf can say more.",
  });
}

/** A path has to bring `/v2` itself. What is insecure is asked by TLS, unverified, and by plain HTTP then. */
function textOf(registry: string, target: string, mirror: MirrorRegistry): string {
  const insecure = mirror.insecure === true;
  const scheme = insecure ? "http" : "https";
  const url = `${scheme}://${hostOf(mirror.registry)}${target === "" ? "" : `/v2/${target}`}`;
  const upstream = apiUrl(registry, "https");
  const server = reachOf(upstream.hostname) === "loopback" ? apiUrl(registry, "http") : upstream;
  return [
    `server = ${JSON.stringify(server.origin)}`,
    "",
    `[host.${JSON.stringify(url)}]`,
    'capabilities = ["pull", "resolve"]',
    ...(target === "" ? [] : ["override_path = true"]),
    ...(insecure ? ["skip_verify = true"] : []),
    "",
  ].join("\n");
}
