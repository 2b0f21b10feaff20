import { expect, test } from "vitest";
import { parseCopyLocations } from "../../src/ops/copy-locations.ts";

const digest = `sha256:${"a".repeat(64)}`;

test.each([
  ["registry.example/app:1", "1"],
  ["registry.example/app", undefined],
  ["registry.example:5000/app", undefined],
  ["docker://registry.example:5000/app:latest", "latest"],
  ["app", undefined],
  ["app:2", "2"],
  ["oci:dir", undefined],
  ["oci:dir:3", "3"],
  ["oci-archive:a.tar", undefined],
  ["docker-archive:a.tar", undefined],
  ["docker-archive:a.tar:app:4", "docker.io/library/app:4"],
])("of the target %s the tag asked for is %s", (text, tag) => {
  expect(parseCopyLocations("registry.example/source:1", text, false).target.tag).toBe(tag);
});

test.each([
  ["a target by digest", "app:1", `registry.example/app@${digest}`, false],
  ["one tag where all are meant", "registry.example/app:1", "oci:dir", true],
  ["one digest where all are meant", `registry.example/app@${digest}`, "oci:dir", true],
  ["one tag for all", "registry.example/app", "oci:dir:1", true],
  ["all tags of docker's archive", "docker-archive:a.tar", "oci:dir", true],
  ["all tags into docker's archive", "oci:dir", "docker-archive:a.tar", true],
])("%s is refused", (_, source, target, allTags) => {
  expect(() => parseCopyLocations(source, target, allTags)).toThrow(
    expect.objectContaining({ code: "USAGE" }),
  );
});
