import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { formatInventory, type Inventory, parseInventory } from "../../src/mirror/inventory.ts";
import { takeInventory } from "../../src/mirror/take-inventory.ts";
import { parsePlatform } from "../../src/model/platform.ts";
import { platformsAnnotation } from "../../src/store/layout/kept-platforms.ts";
import type { MadeBlob } from "../support/make-image.ts";
import { makeSigned } from "../support/signed-image.ts";
import { pushImage, pushSignedImage, storedOf } from "./fill-site.ts";
import { newPlace, reading, siteKinds, writing } from "./places.ts";

describe.each(siteKinds)("the inventory of a place of kind %s", (kind) => {
  it("has every manifest and blob of each repository, and its tags", async () => {
    const place = await newPlace(kind);
    const [app, tool] = [makeSigned("app"), makeSigned("tool")];
    await writing(place, async (site) => {
      await pushSignedImage(site.repository("team/app"), app, "1.0");
      await pushSignedImage(site.repository("tool"), tool, "2.0");
    });
    const site = await reading(place);
    const warnings: string[] = [];
    const onTransfer = (event: { readonly kind: string }) => warnings.push(event.kind);
    const inventory = await takeInventory(site, { onTransfer, jobs: 3 }, unstoppable);
    expect(warnings).toEqual([]);
    expect(inventory.site).toBe(site.name);
    expect(inventory.repositories.map(({ path }) => path)).toEqual(["team/app", "tool"]);
    for (const [i, image] of [app, tool].entries()) {
      const repository = inventory.repositories[i];
      expect([...(repository?.manifests.keys() ?? [])].sort()).toEqual([...image.digests].sort());
      const made = [
        image.index,
        image.signature.artifact,
        ...image.referrers.map(({ artifact }) => artifact),
      ];
      const blobs = made
        .flatMap(({ configs, layers }) => [...configs, ...layers])
        .map(({ descriptor }) => descriptor);
      expect(sorted(repository?.blobs)).toEqual(
        sorted(new Map(blobs.map(({ digest, size }) => [digest, size]))),
      );
      expect(sorted(repository?.tags)).toEqual(
        sorted(
          new Map([
            [i === 0 ? "1.0" : "2.0", image.index.top.descriptor.digest],
            [image.signature.tag, image.signature.artifact.top.descriptor.digest],
          ]),
        ),
      );
    }
    const bytes = formatInventory(inventory);
    expect(formatInventory(await takeInventory(site, { jobs: 1 }, unstoppable))).toEqual(bytes);
    expect(formatInventory(parseInventory(bytes, "inventory.json"))).toEqual(bytes);
    const some = await takeInventory(site, { repositories: ["tool", "not/there"] }, unstoppable);
    expect(some.repositories.map(({ path }) => path)).toEqual(["tool"]);
  });
});

describe("an inventory", () => {
  const taken = async (damage: (blobs: string) => Promise<void>) => {
    const place = await newPlace("oci");
    await writing(place, (site) => pushSignedImage(site.repository("app"), makeSigned(), "1.0"));
    if (place.transport !== "oci") throw new Error("no layout");
    await damage(join(place.directory, "blobs", "sha256"));
    const warnings: string[] = [];
    const inventory = await takeInventory(
      await reading(place),
      { onTransfer: (event) => event.kind === "warning" && warnings.push(event.message) },
      unstoppable,
    );
    const held = new Set<string>(
      inventory.repositories.flatMap(({ manifests, blobs }) => [...manifests.keys(), ...blobs.keys()]),
    );
    return { inventory, warnings, holds: ({ descriptor }: MadeBlob) => held.has(descriptor.digest) };
  };
  const image = makeSigned();
  const [layer] = image.index.layers;
  const [child, other] = image.index.children;

  it.each([
    ["is missing", (path: string) => rm(path)],
    ["has another size", (path: string) => writeFile(path, "short")],
  ])("claims no blob that %s, nor what needs it", async (_, damage) => {
    if (layer === undefined) throw new Error("no layer");
    const { inventory, warnings, holds } = await taken((blobs) => damage(join(blobs, hexOf(layer))));
    expect(holds(layer)).toBe(false);
    expect(holds(image.index.top)).toBe(false);
    expect(inventory.repositories[0]?.tags.has("1.0")).toBe(false);
    expect(image.referrers.every(({ artifact }) => holds(artifact.top))).toBe(true);
    expect(warnings.join("\n")).toContain(layer.descriptor.digest);
  });

  it("claims no index without its manifests, and the others still", async () => {
    if (child === undefined || other === undefined) throw new Error("no children");
    const { warnings, holds } = await taken((blobs) => rm(join(blobs, hexOf(child))));
    expect([image.index.top, child, other].map(holds)).toEqual([false, false, true]);
    expect(warnings.join("\n")).toMatch(
      new RegExp(`${child.descriptor.digest}; the index .* names it: it is left out`),
    );
  });

  it("claims no tag whose manifest is missing", async () => {
    const { inventory, warnings } = await taken((blobs) => rm(join(blobs, hexOf(image.index.top))));
    expect([...(inventory.repositories[0]?.tags.keys() ?? [])]).toEqual([image.signature.tag]);
    expect(warnings.join("\n")).toContain("the tag 1.0 names it");
  });

  it.each(["by its entry", "by the mirror file"])(
    "claims of a sparse index what is there, %s, without a warning",
    async (how) => {
      const place = await newPlace("oci");
      if (child === undefined || place.transport !== "oci") throw new Error("no child");
      const stored = storedOf(image.index.top);
      const annotations = how === "by its entry" ? { [platformsAnnotation]: "linux/arm64" } : {};
      await writing(place, async (site) => {
        await pushImage(site.repository("app"), image.index);
        const descriptor = { ...stored.descriptor, annotations };
        await site.repository("app").tag({ ...stored, descriptor }, "1", unstoppable);
      });
      await rm(join(place.directory, "blobs", "sha256", hexOf(child)));
      const warnings: string[] = [];
      const platforms = new Map(how === "by its entry" ? [] : [["app", [parsePlatform("linux/arm64")]]]);
      const { repositories } = await takeInventory(
        await reading(place),
        { platforms, onTransfer: (event) => event.kind === "warning" && warnings.push(event.message) },
        unstoppable,
      );
      expect(warnings).toEqual([]);
      expect(repositories[0]?.tags.size).toBe(0);
      expect([...(repositories[0]?.manifests.keys() ?? [])].sort()).toEqual(
        image.index.children
          .slice(1)
          .map(({ descriptor }) => descriptor.digest)
          .sort(),
      );
    },
  );
});

describe("an inventory file", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const sound = { path: "app", tags: { "1": digest }, manifests: { [digest]: 1 }, blobs: {} };
  const text = (change: object, repository: object = {}) =>
    Buffer.from(
      JSON.stringify({
        ...{
          kind: "compose-image-inventory",
          version: 1,
          site: "s",
          repositories: [{ ...sound, ...repository }],
        },
        ...change,
      }),
    );

  it.each([
    ["nothing", Buffer.from(""), /it is no inventory: not JSON/],
    ["a foreign document", Buffer.from('{"images":[]}'), /it is no inventory: kind is not/],
    ["a later version", text({ version: 2 }), /its version is 2, and 1 is what is understood/],
    ["an unknown field", text({ more: 1 }), /more: no such field/],
    ["an unknown field of a repository", text({}, { more: 1 }), /repositories\[0\]\.more: no such field/],
    ["no list", text({ repositories: {} }), /repositories: not a list/],
    ["a path that is none", text({}, { path: "UPPER" }), /repositories\[0\]\.path: not a repository/],
    [
      "a tag that is none",
      text({}, { tags: { "a b": digest } }),
      /repositories\[0\]\.tags\["a b"\]: not a tag/,
    ],
    ["a tag of nothing", text({}, { tags: { "1": "x" } }), /tags\["1"\]: not a digest/],
    ["a tag of no manifest", text({}, { manifests: {} }), /tags\["1"\]: .* is not among the manifests/],
    ["a digest that is none", text({}, { blobs: { "sha256:1": 1 } }), /blobs\["sha256:1"\]: not a digest/],
    [
      "a size that is none",
      text({}, { blobs: { [digest]: -1 } }),
      /blobs\["sha256:a+"\]: not a size in bytes/,
    ],
    [
      "repositories twice",
      text({ repositories: [sound, sound] }),
      /repositories\[1\]\.path: app comes after app/,
    ],
    ["no digest", text({}), /digest: it is not that of the rest/],
  ])("with %s is refused", (_, bytes, message) => {
    expect(() => parseInventory(bytes, "inventory.json")).toThrow(
      expect.objectContaining({ code: "USAGE", message: expect.stringMatching(message) }),
    );
  });

  it("that was altered is refused, and one written anew by whatever tool is not", () => {
    const inventory: Inventory = { site: "s", repositories: [] };
    const bytes = formatInventory(inventory).toString();
    expect(() => parseInventory(Buffer.from(bytes.replace('"s"', '"t"')), "i.json")).toThrow(/altered/);
    expect(parseInventory(Buffer.from(JSON.stringify(JSON.parse(bytes))), "i.json")).toEqual(inventory);
  });
});

function hexOf({ descriptor }: MadeBlob): string {
  return descriptor.digest.slice("sha256:".length);
}

function sorted(map: ReadonlyMap<string, unknown> | undefined): unknown[] {
  return [...(map ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
}
