import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { unstoppable } from "../../../src/io/call.ts";
import { collect } from "../../../src/io/collect.ts";
import { parseLocation } from "../../../src/model/location.ts";
import { parseManifest } from "../../../src/model/manifest.ts";
import { Stores } from "../../../src/store/open-stores.ts";
import { layoutMembers, oldDockerMembers, packedDockerMembers } from "../../support/make-archive.ts";
import {
  type MadeFile,
  type MadeImage,
  makeImage,
  makeIndex,
  sha256,
  tarOf,
} from "../../support/make-image.ts";
import { temporaryDirectory } from "../../support/temp.ts";

const image = (text: string, architecture = "amd64"): MadeImage =>
  makeImage({
    architecture,
    layers: [
      { files: [{ path: "etc/" }, { path: "etc/os-release", content: "ID=made\n" }] },
      { files: [{ path: "app/" }, { path: "app/a", content: text }] },
    ],
  });

describe("an archive", () => {
  let home: string;
  let stores: Stores;
  beforeAll(async () => {
    home = await temporaryDirectory("archives");
    stores = new Stores({});
  });
  afterAll(() => stores[Symbol.asyncDispose]());

  const save = async (name: string, members: readonly MadeFile[] | Uint8Array): Promise<string> => {
    const path = join(home, name);
    await writeFile(path, members instanceof Uint8Array ? members : tarOf(members));
    return path;
  };
  const open = async (location: string) => {
    const opened = await stores.source(parseLocation(location), "builder", unstoppable);
    const manifest = await opened.source.manifest(opened.selector, unstoppable);
    return { ...opened, manifest };
  };
  /** Everything the image has, read to its verified end. */
  const pull = async (location: string) => {
    const { source, manifest } = await open(location);
    const parsed = parseManifest(manifest.bytes, manifest.descriptor.mediaType, location);
    if (parsed.kind === "index") throw new Error("an index");
    const blobs = [];
    for (const descriptor of [...parsed.layers, parsed.config]) {
      blobs.push(await collect(await source.fetch(descriptor, unstoppable), 1024 * 1024, "blob"));
    }
    return { digest: manifest.descriptor.digest, parsed, blobs };
  };
  const refused = async (location: string, code: string, ...parts: string[]): Promise<void> => {
    const error: unknown = await pull(location).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({
      code,
      message: expect.stringContaining("builder "),
      hint: expect.any(String),
    });
    for (const part of parts) expect(error).toHaveProperty("message", expect.stringContaining(part));
  };

  describe("of an OCI layout", () => {
    it("gives its only image, and each by its tag", async () => {
      const [one, two] = [image("one"), image("two")];
      const sole = await save("sole.tar", layoutMembers([{ image: one }]));
      expect((await pull(`oci-archive:${sole}`)).digest).toBe(one.top.descriptor.digest);
      const both = await save(
        "both.tar",
        layoutMembers([
          { image: one, tag: "1" },
          { image: two, tag: "2" },
        ]),
      );
      expect((await pull(`oci-archive:${both}:2`)).digest).toBe(two.top.descriptor.digest);
      await refused(`oci-archive:${both}`, "MANIFEST_NOT_FOUND", "2 images");
      await refused(`oci-archive:${both}:3`, "MANIFEST_NOT_FOUND", "no tag 3");
    });

    it("gives an index, and what that names", async () => {
      const index = makeIndex([image("one"), image("two", "arm64")]);
      const path = await save("index.tar", layoutMembers([{ image: index, tag: "1" }]));
      const { source, manifest } = await open(`oci-archive:${path}:1`);
      expect(manifest.descriptor.digest).toBe(index.top.descriptor.digest);
      for (const { descriptor } of index.children) {
        const { digest } = parseLocationDigest(descriptor.digest);
        expect((await source.manifest({ digest }, unstoppable)).descriptor.digest).toBe(digest);
      }
    });

    it("may have names with a dot and a slash before them, in any order", async () => {
      const one = image("one");
      const members = layoutMembers([{ image: one }]).map((file) => ({ ...file, path: `./${file.path}` }));
      const path = await save("dots.tar", members.reverse());
      expect((await pull(`oci-archive:${path}`)).digest).toBe(one.top.descriptor.digest);
    });

    it("is read as it was when it was opened, whatever becomes of its name", async () => {
      const one = image("one");
      const path = await save("replaced.tar", layoutMembers([{ image: one }]));
      const { source, manifest } = await open(`oci-archive:${path}`);
      await writeFile(join(home, "other"), "");
      await rename(join(home, "other"), path);
      const parsed = parseManifest(manifest.bytes, manifest.descriptor.mediaType, "test");
      if (parsed.kind === "index") throw new Error("an index");
      const bytes = await collect(await source.fetch(parsed.config, unstoppable), 1024 * 1024, "config");
      expect(sha256(bytes)).toBe(one.configs[0]?.descriptor.digest);
    });

    it("fails where a blob is not what its name says", async () => {
      const members = layoutMembers([{ image: image("one") }]).map((file) =>
        file.path.startsWith("blobs/sha256/") &&
        file.content instanceof Uint8Array &&
        file.content[0] === 0x1f
          ? { ...file, content: Buffer.from(file.content).fill(0, 20, 24) }
          : file,
      );
      await refused(`oci-archive:${await save("damaged.tar", members)}`, "DIGEST_MISMATCH");
    });
  });

  describe("of docker save", () => {
    it("from before 25 gets a manifest of unpacked layers, the same each time", async () => {
      const made = image("one");
      const path = await save("old.tar", oldDockerMembers(made, ["app:1"]));
      const { digest, parsed, blobs } = await pull(`docker-archive:${path}`);
      expect(parsed.mediaType).toBe("application/vnd.docker.distribution.manifest.v2+json");
      expect(parsed.config.digest).toBe(made.configs[0]?.descriptor.digest);
      expect(parsed.layers.map((layer) => layer.mediaType)).toEqual([
        "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.diff.tar",
      ]);
      expect(blobs.slice(0, 2)).toEqual(made.layers.map(({ bytes }) => gunzipSync(bytes)));
      expect((await pull(`docker-archive:${path}:docker.io/library/app:1`)).digest).toBe(digest);
      expect(digest).toBe("sha256:7d57b3edec2c324607384d03d0dd96687d337868f30ef6aa75a9801448b4a5be");
    });

    it("finds layers that are links to others", async () => {
      const layer = { files: [{ path: "a", content: "twice" }] };
      const path = await save("links.tar", oldDockerMembers(makeImage({ layers: [layer, layer] }), null));
      const { parsed } = await pull(`docker-archive:${path}`);
      expect(new Set(parsed.layers.map(({ digest }) => digest)).size).toBe(1);
      expect(parsed.layers).toHaveLength(2);
    });

    it("with packed layers gets a manifest of these", async () => {
      const made = image("one");
      const path = await save("packed.tar", packedDockerMembers(made, ["r.example/app:1"]));
      const { parsed } = await pull(`docker-archive:${path}:r.example/app:1`);
      expect(parsed.layers).toEqual(
        made.layers.map(({ descriptor: { digest, size } }) => ({
          mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip",
          digest,
          size,
        })),
      );
    });

    it("with layers that are not the configuration's is refused, packed or not", async () => {
      const made = image("one");
      const swapped = (members: readonly MadeFile[]): MadeFile[] =>
        members.map((member) => {
          if (member.path !== "manifest.json") return member;
          const [item] = JSON.parse(String(member.content));
          return { ...member, content: JSON.stringify([{ ...item, Layers: item.Layers.toReversed() }]) };
        });
      const packed = await save("swapped-packed.tar", swapped(packedDockerMembers(made, ["app:1"])));
      await refused(`docker-archive:${packed}:app:1`, "DIGEST_MISMATCH", "unpacks to");
      const old = await save("swapped.tar", swapped(oldDockerMembers(made, ["app:1"])));
      await refused(`docker-archive:${old}:app:1`, "DIGEST_MISMATCH");
    });

    it("with an OCI layout besides gives the image of that, if it is whole there", async () => {
      const made = image("one");
      const old = oldDockerMembers(made, ["app:1"]);
      const both = await save("both-layouts.tar", [...layoutMembers([{ image: made, tag: "1" }]), ...old]);
      expect((await pull(`docker-archive:${both}:app:1`)).digest).toBe(made.top.descriptor.digest);
      const broken = layoutMembers([{ image: made, tag: "1" }]).filter(
        ({ path }) => !path.includes(made.layers[0]?.descriptor.digest.slice(7) ?? ""),
      );
      const half = await save("half-layout.tar", [...broken, ...old]);
      expect((await pull(`docker-archive:${half}:app:1`)).parsed.mediaType).toContain("docker");
    });

    it("with an index in that layout gives the index", async () => {
      const made = [image("one"), image("two", "arm64")] as const;
      const index = makeIndex(made);
      const path = await save("docker-index.tar", [
        ...layoutMembers([{ image: index, tag: "1" }]),
        ...oldDockerMembers(made[0], ["app:1"]),
      ]);
      expect((await open(`docker-archive:${path}`)).manifest.descriptor.digest).toBe(
        index.top.descriptor.digest,
      );
    });

    it("is asked for by a name it has", async () => {
      const path = await save("named.tar", oldDockerMembers(image("one"), ["app:1", "r.example/app:2"]));
      await refused(`docker-archive:${path}:app:3`, "MANIFEST_NOT_FOUND", "docker.io/library/app:3");
      await expect(pull(`docker-archive:${path}:app:3`)).rejects.toHaveProperty(
        "hint",
        "Its images are app:1, r.example/app:2.",
      );
    });

    it("fails where layer or configuration are not what they have to be", async () => {
      const members = oldDockerMembers(image("one"), null);
      const altered = (suffix: string, content: string): MadeFile[] =>
        members.map((file) => (file.path.endsWith(suffix) ? { ...file, content } : file));
      const without = (suffix: string): MadeFile[] => members.filter(({ path }) => !path.endsWith(suffix));
      const at = async (files: readonly MadeFile[]): Promise<string> =>
        `docker-archive:${await save("wrong.tar", files)}`;
      await refused(await at(altered("layer.tar", "other")), "DIGEST_MISMATCH");
      await refused(await at(altered(".json", "{}")), "ARCHIVE_INVALID", "manifest.json", "not a list");
      await refused(await at(altered("manifest.json", '[{"Config":1}]')), "ARCHIVE_INVALID", "image 1");
      await refused(await at(altered("manifest.json", "[]")), "MANIFEST_NOT_FOUND", "no image");
      await refused(await at(without("layer.tar")), "ARCHIVE_INVALID", "layer.tar");
      await refused(await at(without("manifest.json")), "ARCHIVE_INVALID", "no manifest.json");
      const name = members.find(({ path }) => /^[0-9a-f]{64}\.json$/.test(path))?.path ?? "";
      await refused(await at(without(name)), "ARCHIVE_INVALID", name);
      await refused(await at(altered(name, "{}")), "DIGEST_MISMATCH", name);
    });
  });

  it("that is none, or not there, is refused by its kind", async () => {
    const whole = tarOf(layoutMembers([{ image: image("one") }]));
    const at = async (bytes: Uint8Array): Promise<string> => `oci-archive:${await save("none.tar", bytes)}`;
    await refused(`oci-archive:${join(home, "nowhere.tar")}`, "MANIFEST_NOT_FOUND", "there is no");
    await refused(await at(Buffer.alloc(0)), "ARCHIVE_INVALID", "no whole OCI image layout");
    await refused(await at(Buffer.from("text")), "ARCHIVE_INVALID", "not a tar archive");
    await refused(await at(gzipSync(whole)), "ARCHIVE_INVALID", "gzip");
    await refused(await at(zstdCompressSync(whole)), "ARCHIVE_INVALID", "zstd");
    await refused(await at(whole.subarray(0, 1600)), "ARCHIVE_INVALID", "the tar archive ends inside");
    await refused(await at(whole.subarray(0, 1024)), "ARCHIVE_INVALID", "no whole OCI image layout");
    await mkdir(join(home, "directory"));
    await refused(`oci-archive:${join(home, "directory")}`, "ARCHIVE_INVALID", "directory");
    await refused("docker-archive:/dev/null", "ARCHIVE_INVALID", "not a regular file");
    await refused("oci-archive:-", "USAGE", "standard input");
  });

  it("with a loop of links is refused", async () => {
    const members = oldDockerMembers(image("one"), null).map(({ path, ...rest }) =>
      path.endsWith("layer.tar") ? { path, linkname: "layer.tar" } : { path, ...rest },
    );
    await refused(`docker-archive:${await save("loop.tar", members)}`, "ARCHIVE_INVALID", "layer.tar");
  });
});

function parseLocationDigest(digest: string) {
  const location = parseLocation(`r.example/a@${digest}`);
  if (location.transport !== "registry" || location.reference.digest === undefined) throw new Error(digest);
  return { digest: location.reference.digest };
}
