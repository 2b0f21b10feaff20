import { describe, expect, it } from "vitest";
import { ComposeImageError } from "../../src/model/errors.ts";
import { visibleJson, visibleText } from "../../src/model/visible-text.ts";

describe("text of foreign origin", () => {
  it.each([
    ["/app/server.js, größer 文 🙂 \\", "/app/server.js, größer 文 🙂 \\"],
    ["\u001b[31mred", "\\x1b[31mred"],
    ["one\r\nanother\ttab", "one\\x0d\\x0aanother\\x09tab"],
    ["\u009b2J\u007f", "\\x9b2J\\x7f"],
    ["txt.\u202eexe", "txt.\\u{202e}exe"],
    ["a\u2028b\ud800", "a\\u{2028}b\\u{d800}"],
    ["tag \u{e0041}", "tag \\u{e0041}"],
  ])("%j is shown as one harmless line", (text, shown) => {
    expect(visibleText(text)).toBe(shown);
  });

  it("is harmless in messages and hints of errors, and of bounded length", () => {
    const { message, hint } = new ComposeImageError("USAGE", "a\nb\u001b", { hint: "\u0007c" });
    expect([message, hint]).toEqual(["a\\x0ab\\x1b", "\\x07c"]);
    expect(new ComposeImageError("USAGE", "x".repeat(5_000_000)).message.length).toBeLessThan(20_000);
  });

  it("is harmless in JSON, which stays the same document", () => {
    const document = { "a\u009b": ["\u001b", "\u202e", "\u{e0041}", "größer 🙂"], b: 1 };
    const text = visibleJson(document);
    expect(JSON.parse(text)).toEqual(document);
    expect(text).toContain("größer 🙂");
    expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});
