import type { Stats } from "node:fs";

/**
 * Why what is there cannot be taken for this user's own work; `undefined` where it can. Systems without user ids have
 * nothing to tell.
 *
 * @param found what stat(2) says of a directory or a file.
 */
export function whyNotOwn(found: Pick<Stats, "uid" | "mode">): string | undefined {
  const user = process.geteuid?.();
  if (user === undefined) return undefined;
  if (found.uid !== user) return "it belongs to another user";
  return (found.mode & 0o022) === 0 ? undefined : "other users may write to it";
}
