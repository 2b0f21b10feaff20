import { describe, expect, it } from "vitest";
import {
  contextOf,
  parseSourceImages,
  type SourceImageWord,
} from "../../../src/frontends/openshift/source-images.ts";
import { formatCopySource } from "../../../src/plan/copy-source.ts";

const image = (value: string): SourceImageWord => ({ flag: "--source-image", value });
const path = (value: string): SourceImageWord => ({ flag: "--source-image-path", value });

/** Where a path goes in the build context: what is copied, and the destination. */
function copied(value: string): unknown[] {
  const context = contextOf(parseSourceImages([image("a"), path(value)]));
  if (context.kind !== "stage") throw new Error(context.kind);
  return context.stage.copies.flatMap(({ sources, destination }) => [...sources, destination]);
}

describe("a source image's path", () => {
  it.each([
    ["/opt/src:.", "/opt/src", "/src"],
    ["/opt/src/:.", "/opt/src", "/src"],
    ["/opt/src/.:.", "/opt/src", "/"],
    ["/opt/src:a/b", "/opt/src", "/a/b/src"],
    ["/opt/src/.:a/b/", "/opt/src", "/a/b/"],
    ["/opt/./x/../src:./a/../b", "/opt/src", "/b/src"],
    ["/opt/src/..:.", "/opt", "/opt"],
    ["/.:all", "/", "/all/"],
    ["//opt:.", "/opt", "/opt"],
    ["/o[1]*?\\:.", "/o\\[1]\\*\\?\\\\", "/o[1]*?\\"],
  ])("%s goes where cp -r has it", (value, source, destination) => {
    expect(copied(value)).toEqual([source, destination]);
  });

  it.each([
    ["src:.", "the source src is not an absolute path"],
    ["/:.", "the root directory has no name"],
    ["/a/..:.", "the root directory has no name"],
    ["/a:/b", "the destination /b is not relative"],
    ["/a:..", "the destination .. lies outside"],
    ["/a:b/../../c", "the destination b/../../c lies outside"],
    ["/a", "is not SRC:DST"],
    ["/a:", "is not SRC:DST"],
    [":.", "is not SRC:DST"],
    ["/a:b:c", "is not SRC:DST"],
  ])("%s is refused", (value, message) => {
    const refused = () => parseSourceImages([image("a"), path(value)]);
    expect(refused).toThrow(expect.objectContaining({ code: "USAGE", hint: expect.any(String) }));
    expect(refused).toThrow(`--source-image-path ${value}`);
    expect(refused).toThrow(message);
  });
});

describe("source images", () => {
  const read = (words: readonly SourceImageWord[]) =>
    parseSourceImages(words).map(({ from, paths }) => [
      formatCopySource(from),
      ...paths.map(({ source }) => source),
    ]);

  it("have the paths after them", () => {
    expect(read([image("a"), path("/1:."), path("/2:."), image("oci:dir"), path("/3:.")])).toEqual([
      ["docker.io/library/a:latest", "/1", "/2"],
      ["oci:dir", "/3"],
    ]);
  });

  it("may come after their paths if there is one image, as with oc", () => {
    expect(read([path("/1:."), image("a"), path("/2:.")])).toEqual([
      ["docker.io/library/a:latest", "/1", "/2"],
    ]);
  });

  it("make a context in which everything belongs to root", () => {
    const context = contextOf(parseSourceImages([image("a"), path("/1:.")]));
    expect(context).toMatchObject({
      kind: "stage",
      stage: { base: { kind: "scratch" }, copies: [{ chown: { user: 0, group: 0 }, link: false }] },
    });
  });

  it.each<[words: readonly SourceImageWord[], message: string, hint: string]>([
    [[path("/1:.")], "--source-image-path /1:.: no --source-image is given", "Name the image"],
    [
      [path("/1:."), image("a"), image("b"), path("/2:.")],
      "--source-image-path /1:. comes before every --source-image",
      "paths after it",
    ],
    [[image("a")], "--source-image a: nothing is taken from it", "--source-image-path SRC:DST"],
    [
      [image("a"), path("/1:."), image("b")],
      "--source-image b: nothing is taken from it",
      "--source-image-path SRC:DST",
    ],
    [[image("A")], "--source-image: malformed reference", "lower case"],
    [[image("")], "--source-image: malformed reference", "reference"],
  ])("that cannot be told apart are refused: %j", (words, message, hint) => {
    expect(() => parseSourceImages(words)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      }),
    );
  });
});
