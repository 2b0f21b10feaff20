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

/** What an image's `User` names: `user`, `user:group`, each by name or number. Nothing is checked. */
export function ownerOfUser(user: string): OwnerSpec {
  const [name = "", group = ""] = user.split(":", 2);
  const idOrName = (text: string): number | string => (/^[0-9]+$/.test(text) ? Number(text) : text);
  return {
    ...(name !== "" && { user: idOrName(name) }),
    ...(group !== "" && { group: idOrName(group) }),
  };
}

/** A name that is not in the file where it should be. */
export interface UnknownName {
  /** `user "web"` */
  readonly what: string;
  readonly file: "/etc/passwd" | "/etc/group";
}

/** The names of an owner that account files do not have. */
export function unknownNames(
  { user, group }: OwnerSpec,
  { passwd, group: groups }: AccountFiles,
): UnknownName[] {
  const unknown: UnknownName[] = [];
  if (typeof user === "string" && findUser(passwd, user) === undefined)
    unknown.push({ what: `user ${JSON.stringify(user)}`, file: "/etc/passwd" });
  if (typeof group === "string" && findGroup(groups, group) === undefined)
    unknown.push({ what: `group ${JSON.stringify(group)}`, file: "/etc/group" });
  return unknown;
}

/**
 * Turns names into numbers by the base's own files, never the host's.
 *
 * @param baseName the base, for messages.
 * @throws ComposeImageError `USER_UNKNOWN`
 * @see https://docs.docker.com/reference/dockerfile/#copy---chown---chmod
 */
export function resolveOwner(spec: OwnerSpec, files: AccountFiles, baseName: string): Owner {
  const [unknown] = unknownNames(spec, files);
  if (unknown !== undefined) {
    throw new ComposeImageError("USER_UNKNOWN", `${baseName} has no ${unknown.what} in ${unknown.file}`, {
      hint: "Use a number, or a name the base image knows.",
    });
  }
  const { user = 0, group } = spec;
  const account = typeof user === "number" ? { uid: user, gid: user } : findUser(files.passwd, user);
  const { uid, gid } = account ?? { uid: 0, gid: 0 };
  const ownGroup = typeof group === "string" ? findGroup(files.group, group) : group;
  return { uid, gid: ownGroup ?? gid };
}

function findUser(passwd: string, name: string): Owner | undefined {
  const fields = findLine(passwd, name, [2, 3]);
  return fields && { uid: Number(fields[2]), gid: Number(fields[3]) };
}

function findGroup(groups: string, name: string): number | undefined {
  const fields = findLine(groups, name, [2]);
  return fields && Number(fields[2]);
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
