import { describe, expect, test } from "vitest";
import { expectNoSecrets, secret, shownSecrets } from "./secrets.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");

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
  expect(() => secret("short")).toThrow();
});
