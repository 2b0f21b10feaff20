import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Commands that tests, demo and benches run beside Node, and the Debian package that brings each. */
export const debianPackageOf = {
  buildah: "buildah",
  bwrap: "bubblewrap",
  debootstrap: "debootstrap",
  "docker-registry": "docker-registry",
  getfattr: "attr",
  gzip: "gzip",
  hyperfine: "hyperfine",
  "mkfs.ext4": "e2fsprogs",
  nginx: "nginx-light",
  openssl: "openssl",
  perl: "perl-base",
  podman: "podman",
  python3: "python3",
  runc: "runc",
  script: "bsdutils",
  setfattr: "attr",
  skopeo: "skopeo",
  tar: "tar",
  time: "time",
  tinyproxy: "tinyproxy",
  umoci: "umoci",
  zstd: "zstd",
} as const satisfies Record<string, string>;

/** A command of {@link debianPackageOf}. */
export type Tool = keyof typeof debianPackageOf;

/** Every tool there is. */
export const allTools = Object.keys(debianPackageOf) as Tool[];

/** Those of the tools that are not on PATH; for `test.skipIf` and `context.skip`. */
export function missingTools(...tools: Tool[]): Tool[] {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return tools.filter((tool) => !folders.some((folder) => isExecutable(join(folder, tool))));
}

/** The Debian packages that bring the tools, each once. */
export function packagesFor(tools: readonly Tool[]): string[] {
  return [...new Set(tools.map((tool) => debianPackageOf[tool]))].sort();
}

/** What to type on Debian or Ubuntu to get the tools. */
export function installLine(tools: readonly Tool[]): string {
  return `apt-get install --no-install-recommends ${packagesFor(tools).join(" ")}`;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
