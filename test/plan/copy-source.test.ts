import { describe, expect, it } from "vitest";
import { formatCopySource, parseCopySource } from "../../src/plan/copy-source.ts";
import { parseBase, parseTarget } from "../../src/plan/images.ts";

describe("what is copied from", () => {
  it.each(["local:.", "local:/abs/dir", "local:../dir:with:colons", "local:dist", "local:a b"])(
    "is a directory where it is written %s",
    (text) => {
      const source = parseCopySource(text, "--builder");
      expect(source).toEqual({ kind: "local", directory: text.slice("local:".length) });
      expect(formatCopySource(source)).toBe(text);
    },
  );

  it.each(["registry.example/local:1", "docker.io/library/local:dist", "localhost:5000/a", "dist"])(
    "is an image where it is written %s",
    (text) => {
      expect(parseCopySource(text, "--builder").kind).toBe("image");
    },
  );

  it.each([".", "..", "./dist", "../dist", "/dist", "~/dist"])(
    "is not %s, which looks like a path",
    (text) => {
      expect(() => parseCopySource(text, "--builder")).toThrow(
        expect.objectContaining({
          code: "REFERENCE_INVALID",
          message: `--builder ${text} is a path, not an image`,
          hint: `A directory of this machine is written local:${text}`,
        }),
      );
    },
  );

  it("is not a directory without a name", () => {
    expect(() => parseCopySource("local:", "--builder")).toThrow("--builder: local: names no directory");
  });
});

describe("a directory of this machine", () => {
  it.each([
    ["base", () => parseBase("local:dir", "--base"), "--base local:dir"],
    ["target", () => parseTarget("local:dir", "--tag"), "--tag local:dir"],
  ])("is no %s", (_, parse, named) => {
    expect(parse).toThrow(
      expect.objectContaining({
        code: "REFERENCE_INVALID",
        message: `${named} is a directory of this machine, and no image`,
        hint: expect.stringContaining("docker.io/library/local:dir"),
      }),
    );
  });
});
