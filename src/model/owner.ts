import { ComposeImageError } from "./errors.ts";

/** Whom copied files belong to: numbers, or names to look up in the base's `/etc/passwd` and `/etc/group`. */
export interface OwnerSpec {
  /** Absent means 0. */
  readonly user?: number | string;
  /** Absent means the user's own: the same number, or the group `/etc/passwd` gives. */
  readonly group?: number | string;
}

/**
 * Reads `user`, `user:group` or `:group`.
 *
 * @throws ComposeImageError `USAGE`
 */
export function parseOwner(text: string): OwnerSpec {
  const match = /^([^:\s]*)(?::([^:\s]*))?$/.exec(text);
  const [, user = "", group = ""] = match ?? [];
  if (match === null || (user === "" && group === "")) {
    throw new ComposeImageError("USAGE", `malformed owner ${JSON.stringify(text)}`, {
      hint: "An owner is user, user:group or :group, by name or number.",
    });
  }
  return {
    ...(user !== "" && { user: idOrName(user, text) }),
    ...(group !== "" && { group: idOrName(group, text) }),
  };
}

/** The owner as {@link parseOwner} reads it. */
export function formatOwner({ user, group }: OwnerSpec): string {
  return `${user ?? ""}${group === undefined ? "" : `:${group}`}`;
}

function idOrName(text: string, whole: string): number | string {
  if (!/^[0-9]+$/.test(text)) return text;
  const id = Number(text);
  if (id > 0xffff_fffe) {
    throw new ComposeImageError(
      "USAGE",
      `malformed owner ${JSON.stringify(whole)}: ${text} is no user or group number`,
      {
        hint: "Numbers go up to 4294967294.",
      },
    );
  }
  return id;
}
