import { gzip } from "../codec/gzip-writer.ts";
import { zstd } from "../codec/zstd-writer.ts";
import type { Call } from "../io/call.ts";
import type { Content, OpenContent } from "../io/content.ts";
import type { Spool } from "../io/spool.ts";
import { type Digest, Digester } from "../model/digest.ts";
import type { Compression } from "../plan/compose-plan.ts";

/** The new layer, put aside until it is pushed. */
export interface BuiltLayer {
  readonly digest: Digest;
  /** Of the uncompressed tar. */
  readonly diffId: Digest;
  /** Compressed bytes. */
  readonly size: number;
  /** Bytes of the uncompressed tar. */
  readonly tarSize: number;
  /** Entries of the tar. */
  readonly entries: number;
  readonly open: OpenContent;
}

/**
 * Digests, compresses and puts aside a layer's tar.
 *
 * @param entries how many the tar has.
 * @param spool takes the compressed bytes; lives as long as they are needed.
 */
export async function stageLayer(
  tar: Content,
  compression: Compression,
  jobs: number,
  spool: Spool,
  entries: number,
  call: Call,
): Promise<BuiltLayer> {
  const uncompressed = new Digester();
  const counted = digested(tar, uncompressed, call);
  const compressed = new Digester();
  const extent = await spool.append(digested(pack(counted, compression, jobs), compressed, call));
  return {
    digest: compressed.digest(),
    diffId: uncompressed.digest(),
    size: extent.size,
    tarSize: uncompressed.size,
    entries,
    open: () => Promise.resolve(spool.read(extent)),
  };
}

function pack(tar: Content, compression: Compression, jobs: number): Content {
  switch (compression.algorithm) {
    case "gzip":
      return gzip(tar, { level: compression.level, jobs });
    case "zstd":
      return zstd(tar, { level: compression.level });
    case "none":
      return tar;
  }
}

async function* digested(content: Content, digester: Digester, call: Call): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) {
    call.signal.throwIfAborted();
    digester.update(chunk);
    yield chunk;
  }
}
