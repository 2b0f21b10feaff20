import { describe, expect, it } from "vitest";
import type { Descriptor } from "../../src/model/descriptor.ts";
import { digestOf } from "../../src/model/digest.ts";
import type { ImageIndex } from "../../src/model/manifest.ts";
import { mediaTypes } from "../../src/model/media-types.ts";
import {
  formatPlatform,
  hostPlatform,
  type Platform,
  parsePlatform,
  platformFromJson,
} from "../../src/model/platform.ts";
import { selectPlatform, servesPlatform } from "../../src/model/select-platform.ts";

describe("a platform", () => {
  it.each([
    ["linux/amd64", "linux/amd64"],
    ["amd64", "linux/amd64"],
    ["x86_64", "linux/amd64"],
    ["linux/x86-64", "linux/amd64"],
    ["linux/amd64/v1", "linux/amd64"],
    ["linux/amd64/v3", "linux/amd64/v3"],
    ["aarch64", "linux/arm64"],
    ["linux/arm64/v8", "linux/arm64"],
    ["linux/arm64/8", "linux/arm64"],
    ["linux/arm64/v9", "linux/arm64/v9"],
    ["arm", "linux/arm/v7"],
    ["linux/arm/6", "linux/arm/v6"],
    ["armhf", "linux/arm/v7"],
    ["armel", "linux/arm/v6"],
    ["i386", "linux/386"],
    ["LINUX/AMD64", "linux/amd64"],
    ["macos/arm64", "darwin/arm64"],
    ["windows/amd64", "windows/amd64"],
  ])("%s is %s", (text, normal) => {
    expect(formatPlatform(parsePlatform(text))).toBe(normal);
    expect(parsePlatform(normal)).toEqual(parsePlatform(text));
  });

  it.each(["", "/", "linux/", "/amd64", "linux/amd64/v1/x", "linux amd64", "linux/amd64,linux/arm64"])(
    "%j is refused",
    (text) => {
      expect(() => parsePlatform(text)).toThrow(
        expect.objectContaining({ code: "PLATFORM_INVALID", hint: expect.stringContaining("linux/arm64") }),
      );
    },
  );

  it.each(["constructor", "__proto__"])("for %s is for an architecture of that name", (architecture) => {
    expect(formatPlatform({ os: "linux", architecture })).toBe(`linux/${architecture}`);
  });

  it("of this machine is linux on its architecture, whatever system the tool runs on", () => {
    expect(formatPlatform(hostPlatform("x64"))).toBe("linux/amd64");
    expect(formatPlatform(hostPlatform("arm64"))).toBe("linux/arm64");
    expect(formatPlatform(hostPlatform("arm"))).toBe("linux/arm/v7");
    expect(formatPlatform(hostPlatform("s390x"))).toBe("linux/s390x");
    expect(hostPlatform().os).toBe("linux");
  });

  it("in a descriptor needs os and architecture, and drops what is malformed beside them", () => {
    expect(
      platformFromJson(
        { os: "linux", architecture: "arm", variant: "v7", "os.features": ["x"], other: 1 },
        "it",
      ),
    ).toEqual({ os: "linux", architecture: "arm", variant: "v7", "os.features": ["x"] });
    expect(
      platformFromJson({ os: "linux", architecture: "arm", variant: "", "os.version": 1 }, "it"),
    ).toEqual({
      os: "linux",
      architecture: "arm",
    });
    for (const value of [null, [], "linux/amd64", { os: "linux" }, { os: 1, architecture: "x" }]) {
      expect(() => platformFromJson(value, "it")).toThrow(
        expect.objectContaining({ code: "MANIFEST_INVALID", message: expect.stringContaining("it: ") }),
      );
    }
  });
});

describe("choosing from an index", () => {
  const entry = (platform: Platform | undefined, n: number): Descriptor => ({
    mediaType: mediaTypes.oci.manifest,
    digest: digestOf(Buffer.from(String(n))),
    size: 1,
    ...(platform !== undefined && { platform }),
  });
  const indexOf = (...platforms: (string | undefined)[]): ImageIndex => ({
    kind: "index",
    mediaType: mediaTypes.oci.index,
    annotations: {},
    manifests: platforms.map((text, n) => {
      if (text === undefined) return entry(undefined, n);
      const [os = "", architecture = "", variant] = text.split("/");
      return entry({ os, architecture, ...(variant !== undefined && { variant }) }, n);
    }),
  });
  const chosen = (index: ImageIndex, wanted?: string): string | undefined => {
    const { platform } = selectPlatform(
      index,
      wanted === undefined ? undefined : parsePlatform(wanted),
      "it",
    );
    return platform && [platform.os, platform.architecture, platform.variant].filter(Boolean).join("/");
  };

  it("takes the only image when none is asked for, attestations and unnamed entries left out", () => {
    expect(chosen(indexOf("unknown/unknown", "linux/riscv64", undefined))).toBe("linux/riscv64");
  });

  it("takes this machine's when there are several", () => {
    const { architecture } = hostPlatform();
    expect(chosen(indexOf("linux/riscv64", `linux/${architecture}`, "windows/amd64"))).toBe(
      `linux/${architecture}`,
    );
  });

  it.each([
    ["linux/arm64", ["linux/amd64", "linux/arm64/v8"], "linux/arm64/v8"],
    ["linux/arm64/v8", ["linux/arm64"], "linux/arm64"],
    ["linux/arm/v7", ["linux/arm/v6", "linux/arm/v7"], "linux/arm/v7"],
    ["linux/arm/v7", ["linux/arm/v5", "linux/arm/v6"], "linux/arm/v6"],
    ["linux/arm", ["linux/arm"], "linux/arm"],
    ["linux/amd64/v3", ["linux/amd64", "linux/amd64/v2"], "linux/amd64/v2"],
    ["linux/amd64/v3", ["linux/amd64"], "linux/amd64"],
  ])("for %s of %j takes %s", (wanted, platforms, expected) => {
    expect(chosen(indexOf(...platforms), wanted)).toBe(expected);
  });

  it.each([
    ["linux/s390x", ["linux/amd64", "linux/arm64/v8", "linux/amd64"], "linux/amd64, linux/arm64"],
    ["linux/arm/v6", ["linux/arm/v7"], "linux/arm/v7"],
    ["linux/amd64", ["linux/amd64/v2"], "linux/amd64/v2"],
    ["linux/arm64", ["darwin/arm64"], "darwin/arm64"],
  ])("fails for %s of %j and says what there is", (wanted, platforms, there) => {
    expect(() => chosen(indexOf(...platforms), wanted)).toThrow(
      expect.objectContaining({
        code: "PLATFORM_NOT_FOUND",
        message: expect.stringContaining(`it has no image for ${wanted}`),
        hint: expect.stringContaining(`${there}:`),
      }),
    );
  });

  it("fails when there is nothing to choose from, or the variant is absurd", () => {
    expect(() => chosen(indexOf())).toThrow(expect.objectContaining({ code: "PLATFORM_NOT_FOUND" }));
    expect(() => chosen(indexOf("linux/arm"), "linux/arm/v99999999999")).toThrow(
      expect.objectContaining({ code: "PLATFORM_NOT_FOUND" }),
    );
  });

  it("agrees with what may stand in for what", () => {
    expect(servesPlatform(parsePlatform("linux/arm/v6"), parsePlatform("linux/arm/v7"))).toBe(true);
    expect(servesPlatform(parsePlatform("linux/arm/v7"), parsePlatform("linux/arm/v6"))).toBe(false);
    expect(servesPlatform(parsePlatform("linux/arm64/v8"), parsePlatform("linux/arm64"))).toBe(true);
    expect(servesPlatform(parsePlatform("linux/amd64"), parsePlatform("linux/arm64"))).toBe(false);
  });
});
