import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { mirrorSets } from "../../../src/mirror/far-side/mirror-sets.ts";
import { mirror, namesOf } from "./support.ts";

const names = namesOf(
  "quay.io/team/app > quay/team/app",
  "quay.io/other/tool > quay/other/tool",
  "docker.io/library/debian > hub/debian",
);

test("are one set for digests and one for tags", () => {
  expect(mirrorSets(names, mirror)).toBe(`apiVersion: config.openshift.io/v1
kind: ImageDigestMirrorSet
metadata:
  name: compose-image-mirror-example-5000
spec:
  imageDigestMirrors:
    - source: docker.io/library/debian
      mirrors:
        - mirror.example:5000/hub/debian
      mirrorSourcePolicy: AllowContactingSource
    - source: quay.io
      mirrors:
        - mirror.example:5000/quay
      mirrorSourcePolicy: AllowContactingSource
---
apiVersion: config.openshift.io/v1
kind: ImageTagMirrorSet
metadata:
  name: compose-image-mirror-example-5000
spec:
  imageTagMirrors:
    - source: docker.io/library/debian
      mirrors:
        - mirror.example:5000/hub/debian
      mirrorSourcePolicy: AllowContactingSource
    - source: quay.io
      mirrors:
        - mirror.example:5000/quay
      mirrorSourcePolicy: AllowContactingSource
`);
});

test("say of an insecure mirror where that has to be said, and can be called otherwise", () => {
  const text = mirrorSets(names, { ...mirror, insecure: true }, "edge");
  expect(text).toMatch(/^# The mirror is insecure: mirror\.example:5000 has .*\n# image\.config/);
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) throw new Error("no documents");
  expect(documents.map((document) => document.toJS())).toMatchObject([
    { kind: "ImageDigestMirrorSet", metadata: { name: "edge" } },
    { kind: "ImageTagMirrorSet", metadata: { name: "edge" } },
  ]);
  expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
});

test.each(["[fd00::1]:5000", "MIRROR.example", `${"very-long.".repeat(9)}example`])(
  "have a name that Kubernetes takes for any mirror: %s",
  (registry) => {
    const name = /^ {2}name: (.*)$/m.exec(mirrorSets(names, { registry }))?.[1];
    expect(name).toMatch(/^compose-image-[a-z0-9-]*[a-z0-9]$/);
    expect(name?.length).toBeLessThanOrEqual(63);
  },
);

test.each(["", "-a", "A", "a.b/c", "a".repeat(64)])("a name that is none is refused: %j", (name) => {
  expect(() => mirrorSets(names, mirror, name)).toThrow(/is no name of a mirror set$/);
});
