import { ComposeImageError } from "./errors.ts";
import { isJsonObject, isStringList, type JsonObject } from "./json.ts";

/**
 * What an image runs on.
 *
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md#image-index-property-descriptions
 */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly "os.version"?: string;
  readonly "os.features"?: readonly string[];
}

const architectureAliases: ReadonlyMap<string, string> = new Map([
  ["i386", "386"],
  ["x86_64", "amd64"],
  ["x86-64", "amd64"],
  ["aarch64", "arm64"],
  ["armhf", "arm"],
  ["armel", "arm"],
]);

/**
 * Gives aliases and default variants one spelling, as containerd does: `aarch64` is `arm64`, `arm64/v8` is `arm64`,
 * `arm` is `arm/v7`, `armel` is `arm/v6`, `amd64/v1` is `amd64`.
 *
 * @see https://github.com/containerd/platforms/blob/main/database.go
 */
export function normalizePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase() === "macos" ? "darwin" : platform.os.toLowerCase();
  const given = platform.architecture.toLowerCase();
  const architecture = architectureAliases.get(given) ?? given;
  let variant = platform.variant?.toLowerCase();
  if (architecture === "arm64" && (variant === "8" || variant === "v8")) variant = undefined;
  if (architecture === "amd64" && variant === "v1") variant = undefined;
  if (architecture === "arm") {
    if (given === "armhf") variant = "v7";
    else if (given === "armel") variant = "v6";
    else if (variant === undefined || variant === "") variant = "v7";
    else if (/^[5-8]$/.test(variant)) variant = `v${variant}`;
  }
  const { variant: _, ...rest } = platform;
  return { ...rest, os, architecture, ...(variant && { variant }) };
}

/**
 * Reads `os/architecture[/variant]`, or an architecture alone (then the os is linux).
 *
 * @throws ComposeImageError `PLATFORM_INVALID`
 */
export function parsePlatform(text: string): Platform {
  const parts = text.split("/");
  const wellFormed = parts.length <= 3 && parts.every((part) => /^[A-Za-z0-9_.-]+$/.test(part));
  if (!wellFormed) {
    throw new ComposeImageError("PLATFORM_INVALID", `not a platform: ${JSON.stringify(text)}`, {
      hint: "A platform is os/architecture or os/architecture/variant, for example linux/arm64.",
    });
  }
  const [os, architecture, variant] = parts.length === 1 ? ["linux", parts[0]] : parts;
  return normalizePlatform({
    os: os ?? "linux",
    architecture: architecture ?? "",
    ...(variant !== undefined && { variant }),
  });
}

/** `os/architecture[/variant]`, normalised. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = normalizePlatform(platform);
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/** Linux on this process's architecture: containers run Linux wherever the tool itself runs. */
export function hostPlatform(architecture: string = process.arch): Platform {
  const ociNames: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", loong64: "loong64" };
  return normalizePlatform({ os: "linux", architecture: ociNames[architecture] ?? architecture });
}

/**
 * Reads the `platform` of a descriptor; `where` names the descriptor in errors.
 *
 * @throws ComposeImageError `MANIFEST_INVALID`
 */
export function platformFromJson(value: unknown, where: string): Platform {
  if (!isJsonObject(value) || typeof value.os !== "string" || typeof value.architecture !== "string") {
    throw new ComposeImageError("MANIFEST_INVALID", `${where}: the platform lacks os or architecture`);
  }
  const { os, architecture, variant } = value;
  const osVersion = value["os.version"];
  const osFeatures = value["os.features"];
  return {
    os: os as string,
    architecture: architecture as string,
    ...(typeof variant === "string" && variant !== "" && { variant }),
    ...(typeof osVersion === "string" && { "os.version": osVersion }),
    ...(isStringList(osFeatures) && { "os.features": osFeatures }),
  };
}

/** The `platform` of a descriptor, its fields in the spec's order. */
export function platformToJson(platform: Platform): JsonObject {
  const { architecture, os, "os.version": version, "os.features": features, variant } = platform;
  return {
    architecture,
    os,
    ...(version !== undefined && { "os.version": version }),
    ...(features !== undefined && { "os.features": [...features] }),
    ...(variant !== undefined && { variant }),
  };
}
