import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { expectNoSecrets, keepSecret, secret, shownSecrets } from "./secrets.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");

// what leaks here is meant to
beforeAll(() => {
  vi.stubEnv("CAPTURE_DIR", undefined);
});
afterAll(() => {
  vi.unstubAllEnvs();
});

describe("a known secret is found", () => {
  const word = secret("pässword/with+signs");

  test.each([
    ["as it is", `before ${word} after`],
    ["in a URL", `https://host/?p=${encodeURIComponent(word)}`],
    ["in JSON", JSON.stringify({ password: word })],
    ["in base64", base64(word)],
    ["in Basic authentication", `Basic ${base64(`me:${word}`)}`],
    ["in base64 of other surroundings", base64(`{"u":"${word}"}`)],
    ["in base64url", Buffer.from(`x${word}`).toString("base64url")],
  ])("%s", (_, output) => {
    expect(shownSecrets(output)).toEqual([word]);
    expect(() => expectNoSecrets(output, "the output")).toThrow(/^the output shows/);
  });

  test("and nothing else is", () => {
    expect(shownSecrets("password with signs")).toEqual([]);
  });
});

test("a secret that would turn up by chance is refused", () => {
  expect(() => keepSecret("short", "short")).toThrow();
});

test("a secret differs with every run", () => {
  expect(secret("pass:word-")).toMatch(/^pass:word-[0-9a-f]{16}$/);
  expect(secret("pass:word-")).not.toBe(secret("pass:word-"));
});
