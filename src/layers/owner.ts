import { ComposeImageError } from "../model/errors.ts";
import type { OwnerSpec } from "../model/owner.ts";

/** A numeric owner. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The text of the base's `/etc/passwd` and `/etc/group`; empty where it has none. */
export interface AccountFiles {
  readonly passwd: string;
  readonly group: string;
}

/** Whether names have to be looked up. */
export function needsAccountFiles({ user, group }: OwnerSpec): boolean {
  return typeof user === "string" || typeof group === "string";
}

/**
 * Turns names into numbers by the base's own files, never the host's.
 *
 * @param baseName the base, for messages.
 * @throws ComposeImageError `USER_UNKNOWN`
 * @see https://docs.docker.com/reference/dockerfile/#copy---chown---chmod
 */
export function resolveOwner(spec: OwnerSpec, files: AccountFiles, baseName: string): Owner {
  const unknown = (what: string, file: string): ComposeImageError =>
    new ComposeImageError("USER_UNKNOWN", `${baseName} has no ${what} in ${file}`, {
      hint: "Use a number, or a name the base image knows.",
    });
  const { user = 0, group } = spec;
  let uid: number;
  let ownGroup: number;
  if (typeof user === "number") {
    uid = user;
    ownGroup = user;
  } else {
    const fields = findLine(files.passwd, user, [2, 3]);
    if (fields === undefined) throw unknown(`user ${JSON.stringify(user)}`, "/etc/passwd");
    uid = Number(fields[2]);
    ownGroup = Number(fields[3]);
  }
  if (group === undefined) return { uid, gid: ownGroup };
  if (typeof group === "number") return { uid, gid: group };
  const fields = findLine(files.group, group, [2]);
  if (fields === undefined) throw unknown(`group ${JSON.stringify(group)}`, "/etc/group");
  return { uid, gid: Number(fields[2]) };
}

/** The colon-separated fields of the first line for a name that has ids where they belong. */
function findLine(text: string, name: string, ids: readonly number[]): string[] | undefined {
  return text
    .split("\n")
    .map((line) => line.trim().split(":"))
    .find((fields) => fields[0] === name && ids.every((id) => isId(fields[id] ?? "")));
}

function isId(text: string): boolean {
  return /^[0-9]+$/.test(text) && Number(text) < 2 ** 32;
}
