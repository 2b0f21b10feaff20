import { parse, type TomlTable, type TomlValue } from "smol-toml";
import { ComposeImageError } from "../../../model/errors.ts";

/** Where images may be read from: `host[:port][/path]`, and whether TLS is not verified there. */
export interface RegistryPlace {
  /** Absent only in a rule for `*.host`: images are read from where their names say. */
  readonly location: string | undefined;
  readonly insecure: boolean;
}

/** A mirror, and for which references it is used. */
export interface RegistryMirror extends RegistryPlace {
  readonly location: string;
  readonly pulls: "all" | "digest-only" | "tag-only";
}

/** One `[[registry]]` table. */
export interface RegistryRule extends RegistryPlace {
  /** `host[:port][/path][:tag|@digest]` or `*.host`; the host in lower case. */
  readonly prefix: string;
  readonly blocked: boolean;
  /** In the order they are tried. */
  readonly mirrors: readonly RegistryMirror[];
  /** The file it is from. */
  readonly file: string;
}

const knownKeys = [
  ...["prefix", "location", "insecure", "blocked", "mirror", "mirror-by-digest-only"],
  "pull-from-mirror",
];

/**
 * Reads the `[[registry]]` tables of a `registries.conf`, and the lists of insecure and blocked registries of its first
 * version. Search registries and short names are of no meaning here, as a reference without a registry is Docker Hub's.
 *
 * @param onWarning told of keys that are not known.
 * @throws ComposeImageError `USAGE` naming file and place.
 * @see https://github.com/containers/image/blob/v5.36.0/docs/containers-registries.conf.5.md
 */
export function parseRegistriesConf(
  text: string,
  file: string,
  onWarning: (message: string) => void,
): RegistryRule[] {
  let document: TomlTable;
  try {
    document = parse(text);
  } catch (cause) {
    throw syntaxError(file, cause);
  }
  const rules = tablesOf(document.registry, "registry", file).map((table) => {
    for (const key of Object.keys(table).filter((name) => !knownKeys.includes(name))) {
      onWarning(`${file}: ${JSON.stringify(key)} in [[registry]] is not known and ignored`);
    }
    return ruleOf(table, file);
  });
  return [...rules, ...firstVersionRules(document, file)];
}

function ruleOf(table: TomlTable, file: string): RegistryRule {
  const given = { prefix: textOf(table, "prefix", file), location: textOf(table, "location", file) };
  const name = given.prefix ?? given.location;
  if (name === undefined) throw invalid(file, "a [[registry]] has neither prefix nor location");
  const prefix = placeName(name, file);
  if (given.location === undefined && !prefix.startsWith("*.")) {
    throw invalid(file, `[[registry]] with prefix ${JSON.stringify(name)} has no location`);
  }
  if (prefix.slice(1).includes("*") || (prefix.startsWith("*") && !/^\*\.[^/]+$/.test(prefix))) {
    throw invalid(file, `${JSON.stringify(name)}: a prefix with * can only be *.host`);
  }
  const byDigest = flagOf(table, "mirror-by-digest-only", file);
  return {
    prefix,
    location: given.location === undefined ? undefined : placeName(given.location, file),
    insecure: flagOf(table, "insecure", file),
    blocked: flagOf(table, "blocked", file),
    mirrors: tablesOf(table.mirror, "registry.mirror", file).map((mirror) =>
      mirrorOf(mirror, byDigest, prefix, file),
    ),
    file,
  };
}

function mirrorOf(table: TomlTable, byDigest: boolean, prefix: string, file: string): RegistryMirror {
  const location = textOf(table, "location", file);
  if (location === undefined) throw invalid(file, `a mirror of ${JSON.stringify(prefix)} has no location`);
  const pulls = textOf(table, "pull-from-mirror", file);
  if (pulls !== undefined && pulls !== "all" && pulls !== "digest-only" && pulls !== "tag-only") {
    throw invalid(file, `pull-from-mirror is all, digest-only or tag-only, not ${JSON.stringify(pulls)}`);
  }
  if (pulls !== undefined && byDigest) {
    throw invalid(file, `${JSON.stringify(prefix)} has both mirror-by-digest-only and pull-from-mirror`);
  }
  return {
    location: placeName(location, file),
    insecure: flagOf(table, "insecure", file),
    pulls: byDigest ? "digest-only" : (pulls ?? "all"),
  };
}

/** `registries.insecure` and `registries.block`, as files were before there were mirrors. */
function firstVersionRules(document: TomlTable, file: string): RegistryRule[] {
  const lists = isTable(document.registries) ? document.registries : {};
  const namesIn = (list: string): string[] => {
    const table = lists[list];
    const names = isTable(table) ? (table.registries ?? []) : [];
    if (!Array.isArray(names)) throw invalid(file, `registries.${list}.registries is not a list`);
    return names.map((name) => placeName(String(name), file));
  };
  const [insecure, blocked] = [namesIn("insecure"), namesIn("block")];
  return [...new Set([...insecure, ...blocked])].map((prefix) => ({
    ...{ prefix, location: prefix, mirrors: [], file },
    ...{ insecure: insecure.includes(prefix), blocked: blocked.includes(prefix) },
  }));
}

/** `host[:port][/path]` without a slash at its end, the host in lower case. */
function placeName(text: string, file: string): string {
  const name = text.replace(/\/+$/, "");
  if (name === "" || /^[a-z]+:\/\//i.test(name)) {
    throw invalid(file, `${JSON.stringify(text)} is no host[:port][/path]; there is no http:// before it`);
  }
  const [host = "", ...path] = name.split("/");
  return [host.toLowerCase(), ...path].join("/");
}

function textOf(table: TomlTable, key: string, file: string): string | undefined {
  const value = table[key];
  if (value === undefined || value === "") return undefined;
  if (typeof value !== "string") throw invalid(file, `${key} is not a string`);
  return value;
}

function flagOf(table: TomlTable, key: string, file: string): boolean {
  const value = table[key] ?? false;
  if (typeof value !== "boolean") throw invalid(file, `${key} is not true or false`);
  return value;
}

function tablesOf(value: TomlValue | undefined, key: string, file: string): TomlTable[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw invalid(file, `${key} is written [[${key}]]`);
  return value.map((table) => {
    if (!isTable(table)) throw invalid(file, `${key} is written [[${key}]]`);
    return table;
  });
}

function isTable(value: TomlValue | undefined): value is TomlTable {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof Date);
}

function syntaxError(file: string, cause: unknown): ComposeImageError {
  const message = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
  const place =
    cause instanceof Error && "line" in cause && "column" in cause ? `:${cause.line}:${cause.column}` : "";
  return new ComposeImageError("USAGE", `${file}${place}: ${message}`, {
    hint: "The file is TOML; containers-registries.conf(5) describes it.",
    cause,
  });
}

function invalid(file: string, what: string): ComposeImageError {
  return new ComposeImageError("USAGE", `${file}: ${what}`, {
    hint: "containers-registries.conf(5) describes the file.",
  });
}
