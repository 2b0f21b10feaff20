import { describe, expect, it } from "vitest";
import { digestOf } from "../../src/model/digest.ts";
import { baseRepositoryOf, placementAnnotations, placementOf } from "../../src/server/placement.ts";
import { indexEntry, refNameAnnotation } from "../../src/store/layout/index-entry.ts";

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

describe("the base repository", () => {
  it.each([
    ["/srv/images/app", "app"],
    ["/srv/images/My App/", "my-app"],
    ["/srv/v1.2_build", "v1.2_build"],
    ["/srv/_private.", "private"],
    ["/", "image"],
    ["/srv/漢字", "image"],
  ])("of %s is %s", (directory, repository) => {
    expect(baseRepositoryOf(directory)).toBe(repository);
  });
});
