import { run } from "./command.ts";

/** Attribute names with their values in lowercase hexadecimal. */
export type Xattrs = ReadonlyMap<string, string>;

/**
 * The extended attributes of a tree, by getfattr(1), symlinks' own included. Only paths that have some are in the map.
 *
 * @param directory absolute.
 * @returns attributes by path relative to the directory, `.` for itself, each byte one character (latin1).
 */
export async function readXattrs(directory: string): Promise<Map<string, Xattrs>> {
  const args = ["-R", "-P", "-h", "-d", "-m", "-", "--encoding=hex", "--absolute-names", "--", directory];
  const dump = (await run("getfattr", args)).toString("latin1");
  const root = Buffer.from(directory).toString("latin1");
  const found = new Map<string, Xattrs>();
  for (const block of dump.split("\n\n")) {
    const [heading, ...lines] = block.split("\n");
    if (heading === undefined || !heading.startsWith("# file: ")) continue;
    const path = unquote(heading.slice("# file: ".length));
    const xattrs = new Map<string, string>();
    for (const line of lines) {
      const equals = line.indexOf("=0x");
      if (equals > 0) xattrs.set(unquote(line.slice(0, equals)), line.slice(equals + 3).toLowerCase());
      else if (line !== "") xattrs.set(unquote(line.replace(/=$/, "")), "");
    }
    found.set(path === root ? "." : path.slice(root.length + 1), xattrs);
  }
  return found;
}

function unquote(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
