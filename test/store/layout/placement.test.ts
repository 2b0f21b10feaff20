import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/model/digest.ts";
import { imageNameAnnotation, indexEntry, refNameAnnotation } from "../../../src/store/layout/index-entry.ts";
import {
  baseRepositoryOf,
  placeEntries,
  placementAnnotations,
  placementOf,
} from "../../../src/store/layout/placement.ts";

const descriptor = { mediaType: "a/b", digest: digestOf(Buffer.from("x")), size: 1 };
const named = (name: string) => indexEntry(descriptor, { [refNameAnnotation]: name });

describe("where an entry of index.json appears", () => {
  it.each([
    ["app:1.0", { repository: "app", tag: "1.0" }],
    ["docker.io/library/app:1.0", { repository: "docker.io/library/app", tag: "1.0" }],
    ["latest", { repository: "base", tag: "latest" }],
    ["UPPER:1", { repository: "base" }],
    ["localhost:5000/team/app:1", { repository: "team/app", tag: "1" }],
    ["a b", { repository: "base" }],
  ])("%s", (name, placement) => {
    expect(placementOf(named(name), "base")).toEqual(placement);
  });

  it.each([
    ["docker.io/library/app:1", { repository: "app", tag: "1" }],
    ["docker.io/team/app:1", { repository: "team/app", tag: "1" }],
    ["registry.example:5000/library/team/app:1", { repository: "library/team/app", tag: "1" }],
    ["app", { repository: "app", tag: "latest" }],
    ["a b", { repository: "base", tag: "2" }],
  ])("is what docker calls the image, %s, without the registry", (name, placement) => {
    const entry = indexEntry(descriptor, { [imageNameAnnotation]: name, [refNameAnnotation]: "2" });
    expect(placementOf(entry, "base")).toEqual(placement);
  });

  it("is the base repository, without a tag, where nothing says more", () => {
    expect(placementOf(indexEntry(descriptor), "base")).toEqual({ repository: "base" });
  });

  it.each([{ repository: "team/app" }, { repository: "team/app", tag: "1.0" }])(
    "is where its annotations put it: %j",
    (placement) => {
      expect(placementOf(indexEntry(descriptor, placementAnnotations(placement)), "base")).toEqual(placement);
    },
  );
});

describe("an image without a name", () => {
  const nameless = indexEntry(descriptor);
  const tagsOf = (...entries: readonly ReturnType<typeof indexEntry>[]) =>
    placeEntries(entries, "base").flatMap(({ tag }) => tag ?? []);

  it("is latest as well", () => {
    expect(tagsOf(nameless, named("1"))).toEqual(["1", "latest"]);
    expect(tagsOf(nameless, nameless)).toEqual(["latest"]);
  });

  it("is not where another image is, or where there are several", () => {
    const other = indexEntry({ ...descriptor, digest: digestOf(Buffer.from("y")) });
    expect(tagsOf(nameless, named("latest"))).toEqual(["latest"]);
    expect(tagsOf(nameless, other)).toEqual([]);
    expect(tagsOf(indexEntry(descriptor, placementAnnotations({ repository: "base" })))).toEqual([]);
  });
});

describe("the base repository", () => {
  it.each([
    ["/srv/images/app", "app"],
    ["/srv/images/My App/", "my-app"],
    ["/srv/v1.2_build", "v1.2_build"],
    ["/srv/_private.", "private"],
    ["/srv/images.tar", "images"],
    ["/srv/images.tar.sha256", "images"],
    ["/srv/images.tar.001", "images"],
    ["/", "image"],
    ["/srv/漢字", "image"],
  ])("of %s is %s", (directory, repository) => {
    expect(baseRepositoryOf(directory)).toBe(repository);
  });
});
