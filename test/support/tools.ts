import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe } from "vitest";
import { cliPath } from "./run-cli.ts";

/** What a test may need of the machine: a program by name, or one of the conditions below. */
export type Need =
  | "skopeo"
  | "umoci"
  | "buildah"
  | "podman"
  | "docker-registry"
  | "apt-get"
  | "dpkg-deb"
  | "getfattr"
  | "setfattr"
  | "tar"
  | "bwrap"
  | "openssl"
  | "python3"
  | "script"
  | "nginx"
  | "tinyproxy"
  | "time"
  /** Effective user id 0: owners and devices can be unpacked. */
  | "root"
  /** The command line has been built. */
  | "cli";

function missing(needs: readonly Need[]): Need[] {
  return needs.filter((need) => !isMet(need));
}

/**
 * A `describe` that is skipped, saying why, where a need is not met. With `REQUIRE_TOOLS=1` in the environment it runs
 * all the same and fails, so that continuous integration cannot skip it unseen.
 */
export function describeWith(needs: readonly Need[], title: string, body: () => void): void {
  const absent = process.env.REQUIRE_TOOLS === "1" ? [] : missing(needs);
  if (absent.length === 0) describe(title, body);
  else describe.skip(`${title} (needs ${absent.join(", ")})`, body);
}

function isMet(need: Need): boolean {
  if (need === "root") return process.geteuid?.() === 0;
  if (need === "cli") return existsSync(cliPath);
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"];
  return folders.some((folder) => isExecutable(join(folder, need)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
