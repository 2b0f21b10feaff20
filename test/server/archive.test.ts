import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { startRegistry } from "../../src/server/start-registry.ts";
import { run } from "../support/command.ts";
import { layoutMembers, oldDockerMembers, packedDockerMembers } from "../support/make-archive.ts";
import { type MadeFile, type MadeImage, makeImage, makeIndex, sha256, tarOf } from "../support/make-image.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

const image = (text: string, architecture = "amd64"): MadeImage =>
  makeImage({ architecture, layers: [{ files: [{ path: "a", content: text }] }] });

async function save(name: string, members: readonly MadeFile[]): Promise<string> {
  const path = join(await temporaryDirectory("archive"), name);
  await writeFile(path, tarOf(members));
  return path;
}

async function serve(archive: string) {
  const registry = await startRegistry({ archive, host: "127.0.0.1", port: 0 }, unstoppable);
  onTestFinished(() => registry.close());
  const ask = (path: string, headers: Record<string, string> = {}) =>
    fetch(new URL(path, `${registry.url}/v2/`), { headers });
  const json = async (path: string): Promise<unknown> => (await ask(path)).json();
  return { host: `${registry.host}:${registry.port}`, ask, json };
}

describe("an archive of a layout", () => {
  it("is a repository called like the file, with its tags", async () => {
    const [one, two] = [image("one"), image("two")];
    const archive = await save(
      "My App.oci.tar",
      layoutMembers([
        { image: one, tag: "1" },
        { image: two, tag: "team/db:2" },
      ]),
    );
    const { ask, json } = await serve(archive);
    expect(await json("_catalog")).toEqual({ repositories: ["my-app.oci", "team/db"] });
    const response = await ask("team/db/manifests/2");
    expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from(two.top.bytes));
  });

  it("has its only image without a name as latest", async () => {
    const { json, ask } = await serve(await save("app.tar", layoutMembers([{ image: image("one") }])));
    expect(await json("app/tags/list")).toEqual({ name: "app", tags: ["latest"] });
    expect((await ask("app/manifests/latest")).status).toBe(200);
  });

  it("gives ranges of blobs", async () => {
    const made = image("one");
    const { ask } = await serve(await save("app.tar", layoutMembers([{ image: made, tag: "1" }])));
    const [layer] = made.layers;
    const response = await ask(`app/blobs/${layer?.descriptor.digest}`, { Range: "bytes=3-20" });
    expect(response.status).toBe(206);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(
      Buffer.from(layer?.bytes ?? []).subarray(3, 21),
    );
  });

  it("stays what it was when the file is replaced", async () => {
    const [before, after] = [image("before"), image("after")];
    const archive = await save("app.tar", layoutMembers([{ image: before, tag: "1" }]));
    const { ask } = await serve(archive);
    await rename(await save("new.tar", layoutMembers([{ image: after, tag: "1" }])), archive);
    const digest = (await ask("app/manifests/1")).headers.get("docker-content-digest");
    expect(digest).toBe(before.top.descriptor.digest);
    expect((await ask(`app/blobs/${before.layers[0]?.descriptor.digest}`)).status).toBe(200);
  });
});

describe("an archive of docker save", () => {
  it.each([
    ["with unpacked layers", (names: string[]) => oldDockerMembers(image("one"), names)],
    ["with packed layers", (names: string[]) => packedDockerMembers(image("one"), names)],
  ])("%s has its images by their names, without registries", async (_, members) => {
    const names = ["app:1", "registry.example/team/app:2", "localhost:5000/app:3"];
    const { ask, json } = await serve(await save("saved.tar", members(names)));
    expect(await json("_catalog")).toEqual({ repositories: ["app", "team/app"] });
    expect(await json("app/tags/list")).toEqual({ name: "app", tags: ["1", "3"] });
    const response = await ask("team/app/manifests/2");
    const manifest = (await response.json()) as { layers: { digest: string; size: number }[] };
    for (const { digest, size } of manifest.layers) {
      const bytes = Buffer.from(await (await ask(`team/app/blobs/${digest}`)).arrayBuffer());
      expect([sha256(bytes), bytes.byteLength]).toEqual([digest, size]);
    }
  });

  it("has its only image without a name as latest", async () => {
    const { ask } = await serve(await save("saved.tar", oldDockerMembers(image("one"), null)));
    expect((await ask("saved/manifests/latest")).status).toBe(200);
  });
});

describe("what is no archive of images", () => {
  it.each([
    ["a file that is not there", async () => "/nowhere/app.tar", "MANIFEST_NOT_FOUND"],
    ["another tar", async () => save("app.tar", [{ path: "a", content: "a" }]), "ARCHIVE_INVALID"],
  ])("is refused: %s", async (_, place, code) => {
    const options = { archive: await place(), host: "127.0.0.1", port: 0 };
    await expect(startRegistry(options, unstoppable)).rejects.toMatchObject({ code });
  });
});

describeWith(["skopeo"], "skopeo", () => {
  it("lists and copies whole indexes of an archive that is served", async () => {
    const index = makeIndex([image("one"), image("two", "arm64")]);
    const { host } = await serve(await save("app.tar", layoutMembers([{ image: index, tag: "multi" }])));
    const listed = await run("skopeo", ["list-tags", "--tls-verify=false", `docker://${host}/app`]);
    expect(JSON.parse(listed.toString())).toMatchObject({ Tags: ["multi"] });
    const back = join(await temporaryDirectory("layout"), "back");
    await run("skopeo", [
      ...["--insecure-policy", "copy", "--all", "--src-tls-verify=false"],
      ...[`docker://${host}/app:multi`, `oci:${back}:multi`],
    ]);
    const raw = await run("skopeo", ["inspect", "--raw", `oci:${back}:multi`]);
    expect(sha256(raw)).toBe(index.top.descriptor.digest);
  });
});
