import { lstat, mkdir, readdir, readFile, realpath, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { unstoppable } from "../../../src/io/call.ts";
import type { Content } from "../../../src/io/content.ts";
import { temporaryName } from "../../../src/io/temporary-name.ts";
import { type ImageLocation, parseLocation } from "../../../src/model/location.ts";
import { encodeManifest } from "../../../src/model/manifest.ts";
import { mediaTypes } from "../../../src/model/media-types.ts";
import { Stores, type StoresOptions } from "../../../src/store/open-stores.ts";
import type { Target } from "../../../src/store/target.ts";
import { sha256 } from "../../support/make-image.ts";
import { readTarMembers } from "../../support/read-tar.ts";
import { temporaryDirectory } from "../../support/temp.ts";
import { blob, indexOf, pushTinyImage, type TinyImage, tinyImage } from "../layout/tiny-image.ts";

/** Writes what `work` makes of a target, and closes it. */
async function writing(
  location: string,
  work: (target: Target, stores: Stores) => Promise<void>,
  options: StoresOptions = {},
): Promise<void> {
  const stores = new Stores(options);
  try {
    await work(await stores.target(parseLocation(location), unstoppable), stores);
  } finally {
    await stores[Symbol.asyncDispose]();
  }
}

async function pushAndTag(target: Target, image: TinyImage, ...tags: readonly string[]): Promise<void> {
  await pushTinyImage(target, image);
  for (const tag of tags) await target.tag(image.manifest, tag, unstoppable);
  await target.commit?.(unstoppable);
}

async function digestIn(location: string): Promise<string> {
  const stores = new Stores({});
  try {
    const { source, selector } = await stores.source(parseLocation(location), "image", unstoppable);
    return (await source.manifest(selector, unstoppable)).descriptor.digest;
  } finally {
    await stores[Symbol.asyncDispose]();
  }
}

const json = (bytes: Uint8Array | undefined): unknown => JSON.parse(Buffer.from(bytes ?? "").toString());

describe("an archive that is written", () => {
  it("appears when it is committed, not before, and gives back the very manifest", async () => {
    const file = join(await temporaryDirectory("archive"), "a.tar");
    const image = await tinyImage("one");
    await writing(`oci-archive:${file}`, async (target) => {
      await pushTinyImage(target, image);
      await target.tag(image.manifest, "1", unstoppable);
      await expect(lstat(file)).rejects.toMatchObject({ code: "ENOENT" });
      await target.commit?.(unstoppable);
    });
    expect(await digestIn(`oci-archive:${file}:1`)).toBe(image.manifest.descriptor.digest);
    expect(await readdir(join(file, ".."))).toEqual(["a.tar"]);
  });

  it("is gone when it is not committed, and what was there before stays", async () => {
    const directory = await temporaryDirectory("archive");
    const file = join(directory, "a.tar");
    await writeFile(file, "before");
    const image = await tinyImage("one");
    await writing(`oci-archive:${file}`, async (target) => {
      await pushTinyImage(target, image);
      expect(await readdir(directory)).toHaveLength(2);
    });
    expect(await readdir(directory)).toEqual(["a.tar"]);
    expect(await readFile(file, "utf8")).toBe("before");
  });

  it("has the same bytes whatever order the blobs come in, and whatever fails on the way", async () => {
    const directory = await temporaryDirectory("archive");
    const layer = blob(mediaTypes.oci.layer, Buffer.from("layer"));
    const config = blob(mediaTypes.oci.config, Buffer.from("{}"));
    const bytes = encodeManifest({
      kind: "manifest",
      mediaType: mediaTypes.oci.manifest,
      config: config.descriptor,
      layers: [layer.descriptor],
      annotations: {},
    });
    const manifest = blob(mediaTypes.oci.manifest, bytes);
    const push = async (target: Target, { descriptor, bytes }: typeof config): Promise<void> =>
      target.push(descriptor, async () => once(bytes), unstoppable);
    const orders = [
      async (target: Target) => {
        await push(target, layer);
        await push(target, config);
      },
      async (target: Target) => {
        await push(target, config);
        await push(target, layer);
      },
      async (target: Target) => {
        target.expect?.([layer.descriptor]);
        await Promise.all([push(target, config), push(target, layer)]);
      },
      async (target: Target) => {
        const other = blob("text/plain", Buffer.from("other"));
        target.expect?.([other.descriptor, layer.descriptor]);
        const wrong = { ...other, bytes: Buffer.from("wrong") };
        await expect(push(target, wrong)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
        await push(target, layer);
        await push(target, config);
      },
    ];
    const digests = new Set<string>();
    for (const [i, order] of orders.entries()) {
      const file = join(directory, `${i}.tar`);
      await writing(`oci-archive:${file}`, async (target) => {
        await order(target);
        await target.tag(manifest, "1", unstoppable);
        await target.commit?.(unstoppable);
      });
      digests.add(sha256(await readFile(file)));
    }
    expect([...digests]).toEqual(["sha256:6d71f30b9ba9548bf63cb2be5b3e0026374f73d978009f0184994afaf6661270"]);
    expect(await readdir(directory)).toHaveLength(orders.length);
  });

  it("holds files with neither owner nor time, and what makes it a layout last", async () => {
    const file = join(await temporaryDirectory("archive"), "a.tar");
    const image = await tinyImage("one");
    await writing(`oci-archive:${file}`, (target) => pushAndTag(target, image, "1", "2"));
    const members = await readTarMembers(await readFile(file));
    expect([...members.keys()]).toEqual([
      ...[image.layer, image.config, image.manifest].map(
        ({ descriptor }) => `blobs/sha256/${descriptor.digest.slice(7)}`,
      ),
      "index.json",
      "oci-layout",
    ]);
    for (const { header } of members.values()) {
      expect(header).toMatchObject({
        type: "file",
        mode: 0o644,
        uid: 0,
        gid: 0,
        uname: "",
        mtime: new Date(0),
      });
    }
    expect(json(members.get("oci-layout")?.content)).toEqual({ imageLayoutVersion: "1.0.0" });
    const { mediaType, digest, size } = image.manifest.descriptor;
    expect(json(members.get("index.json")?.content)).toEqual({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.index.v1+json",
      manifests: ["1", "2"].map((tag) => ({
        mediaType,
        digest,
        size,
        annotations: { "org.opencontainers.image.ref.name": tag },
      })),
    });
  });

  it("of docker's kind is an OCI layout as well, with the names that docker and containerd look for", async () => {
    const file = join(await temporaryDirectory("archive"), "a.tar");
    const image = await tinyImage("one");
    const names = ["docker.io/library/app:1", "r.example:5000/app:2"];
    await writing(`docker-archive:${file}`, (target) => pushAndTag(target, image, ...names));
    const members = await readTarMembers(await readFile(file));
    expect(json(members.get("manifest.json")?.content)).toEqual([
      {
        Config: `blobs/sha256/${image.config.descriptor.digest.slice(7)}`,
        RepoTags: names,
        Layers: [`blobs/sha256/${image.layer.descriptor.digest.slice(7)}`],
      },
    ]);
    expect(json(members.get("index.json")?.content)).toMatchObject({
      manifests: [
        {
          annotations: {
            "io.containerd.image.name": names[0],
            "org.opencontainers.image.ref.name": "1",
          },
        },
        { annotations: { "io.containerd.image.name": names[1] } },
      ],
    });
    const { digest } = image.manifest.descriptor;
    for (const location of [
      `docker-archive:${file}`,
      `docker-archive:${file}:app:1`,
      `oci-archive:${file}:2`,
    ]) {
      expect(await digestIn(location), location).toBe(digest);
    }
  });

  it("of docker's kind may have an image without a name", async () => {
    const file = join(await temporaryDirectory("archive"), "a.tar");
    const image = await tinyImage("one");
    await writing(`docker-archive:${file}`, (target) => pushAndTag(target, image));
    expect(await digestIn(`docker-archive:${file}`)).toBe(image.manifest.descriptor.digest);
    const members = await readTarMembers(await readFile(file));
    expect(json(members.get("manifest.json")?.content)).toMatchObject([{ RepoTags: [] }]);
  });

  it("of docker's kind lists images with and without a name", async () => {
    const file = join(await temporaryDirectory("archive"), "a.tar");
    const [one, two] = [await tinyImage("one"), await tinyImage("two")];
    await writing(`docker-archive:${file}`, async (target) => {
      await pushAndTag(target, one, "r.example/app:1");
      await pushAndTag(target, two);
    });
    const members = await readTarMembers(await readFile(file));
    expect(json(members.get("manifest.json")?.content)).toMatchObject([
      { RepoTags: ["r.example/app:1"] },
      { RepoTags: [] },
    ]);
    expect(await digestIn(`docker-archive:${file}:r.example/app:1`)).toBe(one.manifest.descriptor.digest);
  });

  it("of docker's kind refuses foreign layers before anything is tagged", async () => {
    const file = join(await temporaryDirectory("archive"), "a.tar");
    const { config, layer, manifest } = await tinyImage("one");
    const mediaType = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    const bytes = encodeManifest({
      kind: "manifest",
      mediaType: manifest.descriptor.mediaType,
      config: config.descriptor,
      layers: [{ ...layer.descriptor, mediaType, urls: ["https://r.example/layer"] }],
      annotations: {},
    });
    await writing(`docker-archive:${file}`, async (target) => {
      const pushed = target.pushManifest(blob(manifest.descriptor.mediaType, bytes), unstoppable);
      await expect(pushed).rejects.toMatchObject({ code: "FORMAT_UNSUPPORTED" });
    });
  });

  it.each(["oci-archive", "docker-archive"])("as %s may hold an index", async (transport) => {
    const file = join(await temporaryDirectory("archive"), "a.tar");
    const [one, two] = [await tinyImage("one"), await tinyImage("two")];
    const index = indexOf(one.manifest, two.manifest);
    await writing(`${transport}:${file}:r.example/app:1`, async (target) => {
      await pushTinyImage(target, one);
      await pushTinyImage(target, two);
      await target.pushManifest(index, unstoppable);
      await target.tag(index, "r.example/app:1", unstoppable);
      await target.commit?.(unstoppable);
    });
    expect(await digestIn(`${transport}:${file}:r.example/app:1`)).toBe(index.descriptor.digest);
    const members = await readTarMembers(await readFile(file));
    expect([...members.keys()].filter((name) => name.startsWith("blobs/"))).toHaveLength(7);
  });

  it("takes several images, each committed when it is there", async () => {
    const file = join(await temporaryDirectory("archive"), "a.tar");
    const [one, two] = [await tinyImage("one"), await tinyImage("two")];
    await writing(`oci-archive:${file}`, async (target, stores) => {
      await pushAndTag(target, one, "1");
      expect(await digestIn(`oci-archive:${file}`)).toBe(one.manifest.descriptor.digest);
      const again = await stores.target(parseLocation(`oci-archive:${file}:2`), unstoppable);
      again.expect?.([two.layer.descriptor]);
      await pushAndTag(again, two, "2");
    });
    expect(await digestIn(`oci-archive:${file}:1`)).toBe(one.manifest.descriptor.digest);
    expect(await digestIn(`oci-archive:${file}:2`)).toBe(two.manifest.descriptor.digest);
    expect(await readdir(join(file, ".."))).toEqual(["a.tar"]);
  });

  it("goes to standard output as a whole, once", async () => {
    const temporary = await temporaryDirectory("temporary");
    const file = join(await temporaryDirectory("archive"), "a.tar");
    const image = await tinyImage("one");
    await writing(`oci-archive:${file}`, (target) => pushAndTag(target, image, "1"));
    const outputs: Buffer[] = [];
    const writeOutput = async (content: Content): Promise<void> => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of content) chunks.push(chunk);
      outputs.push(Buffer.concat(chunks));
    };
    await writing(
      "oci-archive:-",
      async (target) => {
        await pushTinyImage(target, image);
        await target.tag(image.manifest, "1", unstoppable);
        expect(await readdir(temporary)).toEqual([]);
        expect(outputs).toEqual([]);
        await target.commit?.(unstoppable);
        await expect(target.commit?.(unstoppable)).rejects.toMatchObject({ code: "USAGE" });
      },
      { writeOutput, temporaryDirectory: temporary },
    );
    expect(outputs).toEqual([await readFile(file)]);
    expect(await readdir(temporary)).toEqual([]);
  });

  it("replaces what a symlink leads to, and leaves the symlink", async () => {
    const directory = await realpath(await temporaryDirectory("archive"));
    await mkdir(join(directory, "real"));
    await writeFile(join(directory, "real", "a.tar"), "before");
    await symlink("real/a.tar", join(directory, "link"));
    const image = await tinyImage("one");
    await writing(`oci-archive:${join(directory, "link")}`, (target) => pushAndTag(target, image, "1"));
    expect((await lstat(join(directory, "link"))).isSymbolicLink()).toBe(true);
    expect(await digestIn(`oci-archive:${join(directory, "real", "a.tar")}`)).toBe(
      image.manifest.descriptor.digest,
    );
  });

  it("is one, by whichever of the file's names it is asked for", async () => {
    const directory = await temporaryDirectory("archive");
    await mkdir(join(directory, "real"));
    await symlink("real", join(directory, "link"));
    const names = ["real", "link"].map((each) => parseLocation(`oci-archive:${directory}/${each}/a.tar`));
    const image = await tinyImage("one");
    await writing(`oci-archive:${directory}/real/a.tar`, async (target, stores) => {
      for (const name of names) expect(await stores.target(name, unstoppable)).toBe(target);
      const other = parseLocation(`docker-archive:${directory}/link/a.tar`);
      await expect(stores.target(other, unstoppable)).rejects.toMatchObject({ code: "USAGE" });
      await pushAndTag(target, image, "1");
    });
    const again = parseLocation(`docker-archive:${directory}/link/a.tar`);
    await writing(`oci-archive:${directory}/real/a.tar`, async (_, stores) => {
      await expect(stores.target(again, unstoppable)).rejects.toMatchObject({ code: "USAGE" });
    });
  });

  it("takes away what a killed writer left beside it, and nothing else", async () => {
    const directory = await temporaryDirectory("archive");
    const live = temporaryName("archive");
    const dead = temporaryName("archive").replace(/-\d+(-[0-9a-f-]{36})$/, "-1$1");
    for (const name of [live, dead, "notes"]) await writeFile(join(directory, name), "");
    const image = await tinyImage("one");
    await writing(`oci-archive:${join(directory, "a.tar")}`, (target) => pushAndTag(target, image, "1"));
    expect((await readdir(directory)).sort()).toEqual([live, "a.tar", "notes"]);
  });

  it("is refused where it cannot become a file, before anything is written", async () => {
    const directory = await temporaryDirectory("archive");
    const open = (...locations: string[]): Promise<void> =>
      writing(locations[0] ?? "", async (_, stores) => {
        for (const location of locations) {
          const parsed: ImageLocation = parseLocation(location);
          await stores.target(parsed, unstoppable);
        }
      });
    await expect(open(`oci-archive:${directory}`)).rejects.toMatchObject({ code: "USAGE" });
    await expect(open("docker-archive:/dev/null")).rejects.toMatchObject({ code: "USAGE" });
    await expect(open("oci-archive:-")).rejects.toMatchObject({ code: "USAGE" });
    await expect(open(`oci-archive:${directory}/nowhere/a.tar`)).rejects.toMatchObject({
      code: "LOCAL_IO",
      message: expect.stringContaining(`${directory}/nowhere`),
      hint: expect.stringContaining("directory"),
    });
    await expect(
      open(`oci-archive:${directory}/a.tar`, `docker-archive:${directory}/a.tar`),
    ).rejects.toMatchObject({ code: "USAGE", message: expect.stringContaining("two kinds") });
    expect(await readdir(directory)).toEqual([]);
  });
});

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
