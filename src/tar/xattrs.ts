import type { ByteString } from "./byte-string.ts";

/** Extended attributes by name. */
export type Xattrs = ReadonlyMap<ByteString, ByteString>;

/** Shared by all entries without extended attributes. */
export const noXattrs: Xattrs = new Map();

/** PAX keyword before the attribute's name; the value is the attribute's, byte for byte. */
export const xattrPrefix = "SCHILY.xattr.";

/** What libarchive writes beside it: the name percent-encoded, the value in base64. */
const libarchivePrefix = "LIBARCHIVE.xattr.";

/** The attributes that global extended headers have set so far, taken apart once for all entries they are for. */
export interface GlobalXattrs {
  /** The records they are from, and any others. */
  readonly records: ReadonlyMap<string, ByteString>;
  readonly xattrs: Xattrs;
}

/**
 * Folds the attributes of an entry's own PAX records over those of global ones. Where both forms of an attribute are
 * there, the byte-exact one counts; libarchive's counts alone only if it can be decoded in one way.
 *
 * An empty value is an attribute with an empty value, unless it is there to take away one that a global header set.
 */
export function collectXattrs(globals: GlobalXattrs, own: ReadonlyMap<string, ByteString>): Xattrs {
  let found: Map<ByteString, ByteString> | undefined;
  for (const prefix of [libarchivePrefix, xattrPrefix]) {
    for (const [keyword, value] of own) {
      if (!keyword.startsWith(prefix)) continue;
      const attribute = decode(prefix, keyword.slice(prefix.length), value);
      if (attribute === undefined) continue;
      found ??= new Map(globals.xattrs);
      if (value === "" && globals.records.has(keyword)) found.delete(attribute.name);
      else found.set(attribute.name, attribute.value);
    }
  }
  if (found === undefined) return globals.xattrs;
  return found.size === 0 ? noXattrs : found;
}

interface Attribute {
  readonly name: ByteString;
  readonly value: ByteString;
}

function decode(prefix: string, name: string, value: ByteString): Attribute | undefined {
  if (name === "") return undefined;
  if (prefix === xattrPrefix) return { name: name as ByteString, value };
  if (/%(?![0-9A-Fa-f]{2})/.test(name)) return undefined;
  const bytes = Buffer.from(value, "base64");
  if (bytes.toString("base64").replace(/=+$/, "") !== value.replace(/=+$/, "")) return undefined;
  const decodedName = name.replace(/%(..)/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return { name: decodedName as ByteString, value: bytes.toString("latin1") as ByteString };
}
