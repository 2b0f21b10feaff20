import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseMirrorFile } from "../../../src/frontends/mirror-file/mirror-file.ts";
import { ComposeImageError } from "../../../src/model/errors.ts";
import { wrongMirrorFiles } from "./wrong-mirror-files.ts";

describe("a wrong mirror.yaml", () => {
  it.each(wrongMirrorFiles)(
    "is refused with place and hint: $message",
    ({ text, message, hint, code = "USAGE" }) => {
      expect(() => parseMirrorFile(text, { name: "f" })).toThrow(
        expect.objectContaining({ code, hint: expect.stringContaining(hint) }),
      );
      expect(() => parseMirrorFile(text, { name: "f" })).toThrow(`f:${message}`);
    },
  );

  it("is one with a variable that nothing asks for", () => {
    const text = "repositories: [{name: debian, tags: ['${A}']}]";
    const variables = { A: "a", B: "b" };
    expect(() => parseMirrorFile(text, { name: "f", variables })).toThrow(
      "--var B: nothing in f asks for it",
    );
  });

  it("that comes of a right one by any accident is read, or refused with a place", () => {
    const right =
      'repositories:\n  - name: docker.io/library/debian\n    tags: [bookworm, 1.10, "a*", {regex: "^[0-9]+$"}, {semver: ">=1 <2", prereleases: true}]\n    exclude: ["*-x"]\n    latest: 3\n    maxAge: 90d\n  - {name: "quay.io/a/b:1", as: b, platforms: &p [amd64]}\nmap: [{replace: docker.io/, with: hub/}]\nprefix: m\nplatforms: *p\nhosts: {"*": {concurrency: 3, requestsPerSecond: .5, bytesPerSecond: 1M}}\n';
    const put = fc.oneof(
      fc.string({ maxLength: 4 }),
      fc.constantFrom(
        "$",
        "${",
        "}",
        "[",
        "{",
        "(",
        "*",
        ": ",
        "\n",
        "- ",
        "\\",
        "---\n",
        "null",
        "__proto__",
      ),
    );
    const accident = fc.record({ at: fc.nat(right.length), removed: fc.nat(12), put });
    fc.assert(
      fc.property(fc.array(accident, { minLength: 1, maxLength: 3 }), (accidents) => {
        let text = right;
        for (const { at, removed, put } of accidents)
          text = text.slice(0, at) + put + text.slice(at + removed);
        try {
          parseMirrorFile(text, { name: "f" });
        } catch (error) {
          expect(error).toBeInstanceOf(ComposeImageError);
          expect(error).toMatchObject({ message: expect.stringMatching(/^f:\d+:\d+: /) });
        }
      }),
      { numRuns: 2000 },
    );
  });
});
