import { type Digest, parseDigest } from "./digest.ts";
import { ComposeImageError } from "./errors.ts";

/**
 * An image in a registry. At least one of `tag` and `digest` is set; with both, the digest decides and the tag is
 * for people.
 *
 * @see https://github.com/distribution/reference/blob/v0.6.0/reference.go
 */
export interface Reference {
  /** Host with port, as written: `docker.io`, `localhost:5000`, `[::1]:5000`. */
  readonly registry: string;
  /** Path inside the registry: `library/debian`, `team/app`. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const hostPattern =
  /^(?:\[[0-9a-fA-F:.]+\]|(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])(?:\.(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]))*)(?::[0-9]{1,5})?$/;

/** A user and a password where URLs have them: what looks so is kept out of messages. */
const userinfo = /:[^/@]*@(?!(?:sha[0-9]+|md5|blake[0-9a-z]*):)/;

/** Longest repository name, with its registry, that registries take. */
const maxNameLength = 255;

/** Whether a tag is one that the distribution spec allows. */
export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

/** Whether a repository path is one that the distribution spec allows. */
export function isRepository(text: string): boolean {
  return text.length <= maxNameLength && text.split("/").every((part) => component.test(part));
}

/** Whether the text is a registry's host, with or without a port. */
function isRegistryHost(text: string): boolean {
  return hostPattern.test(text);
}

/**
 * Reads `[registry/]repository[:tag][@digest]` by Docker's rules: without a registry it is `docker.io`, there a single
 * component gets `library/`, and without tag and digest the tag is `latest`. A leading `docker://` is skipped.
 *
 * @throws ComposeImageError `REFERENCE_INVALID` naming the part that is wrong.
 */
export function parseReference(text: string): Reference {
  const invalid = (what: string, hint?: string): ComposeImageError =>
    new ComposeImageError(
      "REFERENCE_INVALID",
      `malformed reference ${JSON.stringify(text.slice(0, 300))}: ${what}`,
      {
        hint:
          hint ??
          "A reference is [registry/]repository[:tag][@digest], for example registry.example/team/app:1.2.",
      },
    );
  if (userinfo.test(text)) {
    throw new ComposeImageError("REFERENCE_INVALID", "a reference holds no user and password", {
      hint: "Log in instead, with compose-image login, or name the file that has them with --authfile.",
    });
  }
  let rest = text.startsWith("docker://") ? text.slice("docker://".length) : text;
  if (/^[a-z]+:\/\//.test(rest)) throw invalid("a reference has no scheme", "Leave out http:// or https://.");
  if (rest === "") throw invalid("it is empty");

  let digest: Digest | undefined;
  const at = rest.indexOf("@");
  if (at >= 0) {
    try {
      digest = parseDigest(rest.slice(at + 1));
    } catch (cause) {
      throw invalid(
        `the part after @ is not a digest`,
        cause instanceof ComposeImageError ? cause.hint : undefined,
      );
    }
    rest = rest.slice(0, at);
  }

  let tag: string | undefined;
  const colon = rest.lastIndexOf(":");
  if (colon > rest.lastIndexOf("/")) {
    tag = rest.slice(colon + 1);
    rest = rest.slice(0, colon);
    if (!isTag(tag))
      throw invalid(
        `${JSON.stringify(tag)} is not a tag`,
        "A tag has letters, digits, _ . - and at most 128 characters.",
      );
  }

  const slash = rest.indexOf("/");
  const first = slash < 0 ? "" : rest.slice(0, slash);
  const hasRegistry = /[.:[]/.test(first) || first === "localhost" || first !== first.toLowerCase();
  let registry = hasRegistry ? first : "docker.io";
  let repository = hasRegistry ? rest.slice(slash + 1) : rest;
  if (!isRegistryHost(registry)) throw invalid(`${JSON.stringify(registry)} is not a registry's host`);
  if (registry === "index.docker.io" || registry === "registry-1.docker.io") registry = "docker.io";
  if (registry === "docker.io" && !repository.includes("/")) repository = `library/${repository}`;
  if (repository !== repository.toLowerCase()) {
    throw invalid(
      `the repository ${JSON.stringify(repository)} has upper-case letters`,
      "Repositories are lower case.",
    );
  }
  if (!isRepository(repository)) throw invalid(`${JSON.stringify(repository)} is not a repository`);
  if (registry.length + 1 + repository.length > maxNameLength) {
    throw invalid(`registry and repository are longer than ${maxNameLength} characters`);
  }
  if (tag === undefined && digest === undefined) tag = "latest";
  return { registry, repository, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}

/** A registry, or repositories of one. */
export interface RegistryName {
  /** Host with port, as in a {@link Reference}. */
  readonly registry: string;
  /** A repository or the beginning of its path; empty for all of the registry. */
  readonly path: string;
}

/**
 * Reads `REGISTRY[/PATH]`. A scheme is skipped, as are the paths that Docker's tools put behind a registry's host.
 *
 * @throws ComposeImageError `REFERENCE_INVALID`
 */
export function parseRegistryName(text: string): RegistryName {
  if (userinfo.test(text)) {
    throw new ComposeImageError("REFERENCE_INVALID", "a registry's name holds no user and password", {
      hint: "Give the user with --username, and the password on standard input with --password-stdin.",
    });
  }
  const scheme = /^https?:\/\//i.exec(text)?.[0] ?? "";
  const [host = "", ...parts] = text.slice(scheme.length).replace(/\/+$/, "").split("/");
  const path = scheme !== "" && /^v[12]$/.test(parts.join("/")) ? "" : parts.join("/");
  if (!isRegistryHost(host) || (path !== "" && !isRepository(path))) {
    throw new ComposeImageError(
      "REFERENCE_INVALID",
      `${JSON.stringify(text.slice(0, 300))} is not a registry's name`,
      { hint: "A registry is host[:port], or host[:port]/namespace[/repository] for a part of it; no tag." },
    );
  }
  return { registry: host, path };
}

/** The full name: `docker.io/library/debian:12`. */
export function formatReference(reference: Reference): string {
  const { registry, repository, tag, digest } = reference;
  return `${registry}/${repository}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}
