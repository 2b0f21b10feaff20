import { crc32, gzipSync, zstdCompressSync } from "node:zlib";
import { type MadeFile, type PackedLayer, sha256, tarOf } from "./make-image.ts";

/*
 * Layers whose files can be read one by one, made as their formats' descriptions say: every file's header and content
 * are packed by themselves, and a table of contents tells where they are.
 */

/** A file's pieces of the tar, and what a table of contents says of it. */
interface Piece {
  readonly header: Buffer;
  readonly content: Buffer;
  readonly entry: Readonly<Record<string, unknown>>;
}

const endOfTar = 1024;

/** Gzip members, the table in one of its own as `stargz.index.json`, a footer. There is a landmark, as always. */
export function eStargzLayer(files: readonly MadeFile[]): PackedLayer {
  const landmark = { path: ".no.prefetch.landmark", content: Buffer.of(0x0f) };
  const body = packPieces([landmark, ...files], (bytes) => gzipSync(bytes));
  const table = JSON.stringify({ version: 1, entries: body.entries });
  const tail = tarOf([{ path: "stargz.index.json", content: table }]);
  return {
    mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
    bytes: Buffer.concat([body.bytes, gzipSync(tail), eStargzFooter(body.bytes.byteLength)]),
    diffId: sha256(Buffer.concat([body.tar, tail])),
    annotations: {
      "containerd.io/snapshot/stargz/toc.digest": sha256(Buffer.from(table)),
      "io.containers.estargz.uncompressed-size": String(body.tar.byteLength + tail.byteLength),
    },
  };
}

/** The last 51 bytes: an empty gzip member with the table's offset. */
export function eStargzFooter(offset: number): Buffer {
  return emptyMember(Buffer.concat([Buffer.from("SG\x16\0", "latin1"), offsetField(offset)]));
}

/** The last 47 bytes of the format's first form. */
export function oldStargzFooter(offset: number): Buffer {
  return emptyMember(offsetField(offset));
}

/** Zstandard frames, the table and more in skippable ones at the end. The stargz dialect has a landmark. */
export function zstdChunkedLayer(
  files: readonly MadeFile[],
  dialect: "containers" | "containers-github" | "stargz",
): PackedLayer {
  const landmark = { path: ".no.prefetch.landmark", content: Buffer.of(0x0f) };
  const body = packPieces(dialect === "stargz" ? [landmark, ...files] : files, (bytes) =>
    zstdCompressSync(bytes),
  );
  const end = Buffer.alloc(endOfTar);
  const tar = zstdCompressSync(end);
  const table = Buffer.from(JSON.stringify({ version: 1, entries: body.entries }));
  const packed = zstdCompressSync(table);
  const offset = body.bytes.byteLength + tar.byteLength + 8;
  const position = `${offset}:${packed.byteLength}:${table.byteLength}:1`;
  const footer = Buffer.alloc(64);
  for (const [i, value] of [offset, packed.byteLength, table.byteLength, 1].entries()) {
    footer.writeBigUInt64LE(BigInt(value), 8 * i);
  }
  footer.write("GNUlInUx", 56, "latin1");
  const prefix = dialect === "containers-github" ? "io.github.containers" : "io.containers";
  return {
    mediaType: "application/vnd.oci.image.layer.v1.tar+zstd",
    bytes: Buffer.concat([
      ...[body.bytes, tar, skippable(packed)],
      ...(dialect === "stargz" ? [] : [skippable(Buffer.from("what split the tar"))]),
      skippable(footer),
    ]),
    diffId: sha256(Buffer.concat([body.tar, end])),
    annotations: {
      [`${prefix}.zstd-chunked.manifest-checksum`]: sha256(packed),
      [`${prefix}.zstd-chunked.manifest-position`]: position,
      ...(dialect === "stargz" && { "containerd.io/snapshot/stargz/toc.digest": sha256(table) }),
    },
  };
}

function packPieces(
  files: readonly MadeFile[],
  pack: (bytes: Buffer) => Buffer,
): { readonly bytes: Buffer; readonly tar: Buffer; readonly entries: readonly object[] } {
  const packed: Buffer[] = [];
  const plain: Buffer[] = [];
  const entries: object[] = [];
  let offset = 0;
  for (const file of files) {
    const { header, content, entry } = pieceOf(file);
    const head = pack(header);
    const body = content.byteLength === 0 ? Buffer.alloc(0) : pack(content);
    entries.push(body.byteLength === 0 ? entry : { ...entry, offset: offset + head.byteLength });
    packed.push(head, body);
    plain.push(header, content);
    offset += head.byteLength + body.byteLength;
  }
  return { bytes: Buffer.concat(packed), tar: Buffer.concat(plain), entries };
}

function pieceOf(file: MadeFile): Piece {
  const whole = tarOf([file]).subarray(0, -endOfTar);
  const content = Buffer.from(file.content ?? "");
  const start = whole.byteLength - Math.ceil(content.byteLength / 512) * 512;
  return {
    header: whole.subarray(0, start),
    content: whole.subarray(start),
    entry: {
      name: file.path,
      type: file.path.endsWith("/") ? "dir" : "reg",
      size: content.byteLength,
      chunkSize: 0,
      chunkDigest: sha256(content),
    },
  };
}

function offsetField(offset: number): Buffer {
  return Buffer.from(`${offset.toString(16).padStart(16, "0")}STARGZ`);
}

/** A gzip member of nothing, with an extra field. */
function emptyMember(extra: Buffer): Buffer {
  const head = Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, extra.byteLength, 0]);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(Buffer.alloc(0)));
  return Buffer.concat([head, extra, Buffer.from([1, 0, 0, 0xff, 0xff]), trailer]);
}

function skippable(content: Buffer): Buffer {
  const head = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
  head.writeUInt32LE(content.byteLength, 4);
  return Buffer.concat([head, content]);
}
