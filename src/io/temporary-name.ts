import { createHash, randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";

/** What a temporary file is for: four of a layout, an entry of a cache, a file of credentials, an archive, one to go on with. */
export type TemporaryKind =
  | "lock"
  | "blob"
  | "partial"
  | "index"
  | "entry"
  | "credentials"
  | "archive"
  | "draft";

/** The process a temporary file belongs to, as its name tells. */
export interface TemporaryOwner {
  readonly kind: TemporaryKind;
  /** Where the process id counts: one boot of one machine, one process id namespace. */
  readonly realm: string;
  readonly pid: number;
  /** When the process began, in the kernel's ticks; `0` where the system does not tell. */
  readonly start: string;
  /** What no other file has in its name, unless it was given one that has. */
  readonly id: string;
  /** What of it is in the file, where the name says so. */
  readonly label?: string;
}

const pattern =
  /^\.compose-image-(lock|blob|partial|index|entry|credentials|archive|draft)-([0-9a-f]{16})-([0-9]{1,10})-([0-9]{1,20})-([0-9a-f-]{36})(?:\.([a-z0-9-]{1,140}))?$/;

let own: { readonly realm: string; readonly start: string } | undefined;

/**
 * A new name for a temporary file beside the one it becomes, where no other tool has names.
 * It says whose the file is, so what a killed process left behind can be told from what is in use.
 *
 * @param label what is in the file, of lower-case letters, digits and `-`, at most 140.
 * @param id of a file that belongs to others, theirs.
 */
export function temporaryName(kind: TemporaryKind, label?: string, id: string = randomUUID()): string {
  own ??= { realm: ownRealm(), start: startOf(readOwnStat()) };
  const end = label === undefined ? "" : `.${label}`;
  return `.compose-image-${kind}-${own.realm}-${process.pid}-${own.start}-${id}${end}`;
}

/** The same for a file that is no process's any more, and that any may take over. */
export function ownerlessName(kind: TemporaryKind, label: string, id: string = randomUUID()): string {
  return `.compose-image-${kind}-${"0".repeat(16)}-0-0-${id}.${label}`;
}

/** Reads a name that {@link temporaryName} made, in this process or another; `undefined` for any other name. */
export function parseTemporaryName(name: string): TemporaryOwner | undefined {
  const [, kind, realm, pid, start, id, label] = pattern.exec(name) ?? [];
  if (kind === undefined || realm === undefined || pid === undefined) return undefined;
  if (start === undefined || id === undefined) return undefined;
  return {
    kind: kind as TemporaryKind,
    realm,
    pid: Number(pid),
    start,
    id,
    ...(label !== undefined && { label }),
  };
}

/**
 * Whether the owner has ended: `true` or `false` where that can be known, `undefined` for a process of another
 * machine or container.
 */
export async function hasEnded(owner: TemporaryOwner): Promise<boolean | undefined> {
  own ??= { realm: ownRealm(), start: startOf(readOwnStat()) };
  if (owner.pid === 0) return true;
  if (owner.realm !== own.realm) return undefined;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return true;
  }
  let stat: string;
  try {
    stat = await readFile(`/proc/${owner.pid}/stat`, "latin1");
  } catch {
    return owner.start === "0" ? undefined : false;
  }
  return isZombie(stat) || startOf(stat) !== owner.start;
}

function ownRealm(): string {
  let realm: string;
  try {
    realm = readFileSync("/proc/sys/kernel/random/boot_id", "latin1") + readlinkSync("/proc/self/ns/pid");
  } catch {
    realm = hostname();
  }
  return createHash("sha256").update(realm).digest("hex").slice(0, 16);
}

function readOwnStat(): string {
  try {
    return readFileSync("/proc/self/stat", "latin1");
  } catch {
    return "";
  }
}

/** The fields after the program's name, which may itself hold spaces and parentheses; see proc_pid_stat(5). */
function fieldsAfterName(stat: string): readonly string[] {
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function isZombie(stat: string): boolean {
  return /^[ZX]$/.test(fieldsAfterName(stat)[0] ?? "");
}

function startOf(stat: string): string {
  const start = fieldsAfterName(stat)[19];
  return start !== undefined && /^[0-9]{1,20}$/.test(start) ? start : "0";
}
