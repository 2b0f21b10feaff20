import { gzipSync } from "node:zlib";
import { digestHex, digestOf } from "../../src/model/digest.ts";
import type { Json } from "../../src/model/json.ts";
import type { ArchiveLocation } from "../../src/model/location.ts";
import { mediaTypes } from "../../src/model/media-types.ts";
import { bytesOfText } from "../../src/tar/byte-string.ts";
import { bodyPadding, encodeHeader, endOfArchive } from "../../src/tar/writer.ts";
import { file, tarOf } from "../layers/support/entries.ts";
import { mutateBytes } from "./mutate.ts";
import type { Random } from "./random.ts";

/** A file of an archive, or a symlink. */
type Member = readonly [name: string, content: Buffer | { readonly link: string }];

const tar = tarOf([file("f", "1")]);
const layer = blobOf(gzipSync(tar));
const config = blobOf(json({ os: "linux", architecture: "amd64", rootfs: { diff_ids: [digestOf(tar)] } }));
const manifest = blobOf(
  json({
    schemaVersion: 2,
    mediaType: mediaTypes.oci.manifest,
    config: { mediaType: mediaTypes.oci.config, ...config.place },
    layers: [{ mediaType: mediaTypes.oci.layerGzip, ...layer.place }],
  }),
);
const index = { manifests: [{ mediaType: mediaTypes.oci.manifest, ...manifest.place }] };
const layout: readonly Member[] = [
  ...[layer, config, manifest].map(({ name, bytes }): Member => [name, bytes]),
  ["index.json", json(index)],
  ["oci-layout", json({ imageLayoutVersion: "1.0.0" })],
];
const ownConfig: Member = [config.name, config.bytes];
const archives: readonly (readonly [ArchiveLocation["transport"], readonly Member[]])[] = [
  ["oci-archive", layout],
  ["docker-archive", [...layout, dockerManifest(layer.name)]],
  ["docker-archive", [ownConfig, ["a.tar", tar], dockerManifest("a.tar")]],
  [
    "docker-archive",
    [ownConfig, ["a.tar", layer.bytes], ["b/c", { link: "../a.tar" }], dockerManifest("b/c")],
  ],
  ["docker-archive", [ownConfig, ["a", { link: "b" }], ["b", { link: "a" }], dockerManifest("a")]],
];

/** An archive of an image and how it is to be read, most with something wrong in it. */
export function archiveInput(random: Random): { transport: ArchiveLocation["transport"]; bytes: Buffer } {
  const [transport, whole] = random.pick(archives);
  const members = whole.flatMap((member): readonly Member[] => {
    const [name, content] = member;
    if (random.percent(85) || !Buffer.isBuffer(content)) return [member];
    const wrong: Member = [name, mutateBytes(random, content)];
    return random.pick([[wrong], [wrong, member], [member, wrong], []]);
  });
  const bytes = Buffer.concat([...members.flatMap(encodeMember), endOfArchive]);
  return { transport, bytes: random.percent(30) ? mutateBytes(random, bytes) : bytes };
}

function dockerManifest(layerName: string): Member {
  return ["manifest.json", json([{ Config: config.name, RepoTags: ["app:1"], Layers: [layerName] }])];
}

function encodeMember([name, content]: Member): Buffer[] {
  const body = Buffer.isBuffer(content) ? content : Buffer.alloc(0);
  const header = encodeHeader({
    path: bytesOfText(name),
    type: Buffer.isBuffer(content) ? "file" : "symlink",
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: body.byteLength,
    mtime: "0",
    linkname: bytesOfText(Buffer.isBuffer(content) ? "" : content.link),
    devmajor: 0,
    devminor: 0,
    xattrs: new Map(),
  });
  return [header, body, bodyPadding(body.byteLength)];
}

function blobOf(bytes: Buffer) {
  const digest = digestOf(bytes);
  return { bytes, name: `blobs/sha256/${digestHex(digest)}`, place: { digest, size: bytes.byteLength } };
}

function json(value: Json): Buffer {
  return Buffer.from(JSON.stringify(value));
}
