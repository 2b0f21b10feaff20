import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { cacheDirectory } from "../../src/cli/cache-directory.ts";

describe("the cache directory", () => {
  const env = { XDG_CACHE_HOME: "/var/cache/me", HOME: "/home/me" };

  it.each([
    ["is what the flag says", { cacheDir: "/x" }, env, "/x"],
    ["may be given relative to the current directory", { cacheDir: "x" }, env, resolve("x")],
    ["is XDG_CACHE_HOME's otherwise", {}, env, "/var/cache/me/compose-image"],
    ["is the home's without it", {}, { HOME: "/home/me" }, "/home/me/.cache/compose-image"],
    ["is the home's where it is empty", {}, { ...env, XDG_CACHE_HOME: "" }, "/home/me/.cache/compose-image"],
    [
      "is the home's where it is relative",
      {},
      { ...env, XDG_CACHE_HOME: "x" },
      "/home/me/.cache/compose-image",
    ],
    ["is nowhere without a home", {}, {}, undefined],
    ["is nowhere where the home is no absolute path", {}, { HOME: "" }, undefined],
    ["is nowhere with --no-cache, whatever else there is", { cache: false, cacheDir: "/x" }, env, undefined],
  ])("%s", (_, flags, environment, expected) => {
    expect(cacheDirectory(flags, environment)).toBe(expected);
  });
});
