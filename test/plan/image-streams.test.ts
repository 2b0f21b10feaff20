import { describe, expect, it } from "vitest";
import { parseDigest } from "../../src/model/digest.ts";
import { formatLocation } from "../../src/model/location.ts";
import {
  followImageStream,
  type ImageStreamName,
  imageStreamPattern,
  parseImageStreamRegistry,
} from "../../src/plan/image-streams.ts";
import { parseImage } from "../../src/plan/images.ts";

const stream: ImageStreamName = {
  namespace: "openshift",
  name: "release",
  tag: "golang-1.24",
  what: "f:1:2",
};
const registry = parseImageStreamRegistry("registry.example", "r");

describe("an image stream's tag", () => {
  it.each([
    ["registry.ci.openshift.org", "registry.ci.openshift.org/openshift/release:golang-1.24"],
    ["localhost:5000/mirror/ci/", "localhost:5000/mirror/ci/openshift/release:golang-1.24"],
  ])("is a repository of the registry %s", (host, expected) => {
    const location = followImageStream(stream, { registry: parseImageStreamRegistry(host, "r") });
    expect(formatLocation(location)).toBe(expected);
  });

  it("is what the mapping says, which comes before the registry", () => {
    const known = { "openshift/release:golang-1.24": parseImage("r.example/go:1", "k") };
    expect(formatLocation(followImageStream(stream, { known, registry }))).toBe("r.example/go:1");
    const other = { ...stream, tag: "golang-1.25" };
    expect(formatLocation(followImageStream(other, { known, registry }))).toBe(
      "registry.example/openshift/release:golang-1.25",
    );
  });

  it("may be an image of the stream, by its digest", () => {
    const { tag, ...image } = stream;
    const digest = parseDigest(`sha256:${"0".repeat(64)}`);
    expect(formatLocation(followImageStream({ ...image, digest }, { registry }))).toBe(
      `registry.example/openshift/release@${digest}`,
    );
    expect(`openshift/release@${digest}`).toMatch(new RegExp(imageStreamPattern));
  });

  it.each<[part: Partial<ImageStreamName>, message: string]>([
    [{ namespace: "a/b" }, 'f:1:2: the namespace "a/b" is none'],
    [{ namespace: "Open" }, 'f:1:2: the namespace "Open" is none'],
    [{ name: "" }, 'f:1:2: the name "" is none'],
    [{ name: "a:b" }, 'f:1:2: the name "a:b" is none'],
    [{ tag: "a b" }, 'f:1:2: the tag "a b" is none'],
  ])("with a part that cannot be one is refused: %j", (part, message) => {
    expect(() => followImageStream({ ...stream, ...part }, { registry })).toThrow(message);
  });

  it("that nothing says the image of is refused, with both ways to say it", () => {
    expect(() => followImageStream(stream, {})).toThrow(
      expect.objectContaining({
        code: "USAGE",
        message: "f:1:2: nothing says what image openshift/release:golang-1.24 is",
        hint: expect.stringMatching(
          /--imagestream-registry HOST.*imagestreams: \{"openshift\/release:golang/,
        ),
      }),
    );
  });
});

it.each([
  ["cluster", "r cluster: a host without a dot or a port is taken for a path"],
  ["a b", `r: "a b" is not a registry's name`],
  ["", `r: "" is not a registry's name`],
  ["docker.io:80/A", "is not a registry's name"],
])("%j is no registry of image streams", (text, message) => {
  expect(() => parseImageStreamRegistry(text, "r")).toThrow(message);
});
