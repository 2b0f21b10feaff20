import { describe, expect, it } from "vitest";
import { formatMirrorPlace, parseMirrorPlace } from "../../src/model/mirror-place.ts";

describe("a place that holds many repositories", () => {
  it.each([
    ["mirror.example", { transport: "registry", registry: "mirror.example", prefix: "" }],
    ["mirror.example:5000/", { transport: "registry", registry: "mirror.example:5000", prefix: "" }],
    ["docker://localhost/hub", { transport: "registry", registry: "localhost", prefix: "hub" }],
    ["docker.io/team", { transport: "registry", registry: "docker.io", prefix: "team" }],
    ["[::1]:5000/a/b", { transport: "registry", registry: "[::1]:5000", prefix: "a/b" }],
    ["oci:images", { transport: "oci", directory: "images" }],
    ["oci-archive:out/images.tar", { transport: "oci-archive", file: "out/images.tar" }],
  ])("%s", (text, place) => {
    const read = parseMirrorPlace(text);
    expect(read).toEqual(place);
    expect(parseMirrorPlace(formatMirrorPlace(read))).toEqual(place);
  });

  it.each([
    ["images_1.tar/", "is not a registry's host"],
    ["team/app", "it names no registry"],
    ["", "it names no registry"],
    ["mirror.example/app:1", "it names an image, 1"],
    [`mirror.example/app@sha256:${"a".repeat(64)}`, "it names an image, sha256:"],
    ["mirror.example/Hub", "upper-case"],
    ["oci:images:1", "it names an image"],
    ["oci-archive:images.tar:app:1", "it names an image"],
    ["docker-archive:images.tar", "docker save"],
    ["dir:images", "is not a registry's host"],
  ])("%s is refused", (text, message) => {
    const refusal = expect.objectContaining({
      code: "REFERENCE_INVALID",
      message: expect.stringContaining(message),
    });
    expect(() => parseMirrorPlace(text)).toThrow(refusal);
  });

  it("says how to copy an archive of docker save, which is none", () => {
    const hint = expect.stringContaining("compose-image copy docker-archive:images.tar");
    expect(() => parseMirrorPlace("docker-archive:images.tar")).toThrow(expect.objectContaining({ hint }));
  });
});
