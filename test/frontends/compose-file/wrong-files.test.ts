import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ComposeFileOptions, parseComposeFile } from "../../../src/frontends/plans.ts";
import { ComposeImageError } from "../../../src/model/errors.ts";
import { wrongFiles } from "./wrong-files.ts";

const least = "builder: b:1\nbase: b:2\ncopy: [/a]\ntags: [t:1]\n";

describe("a wrong compose.yaml", () => {
  it.each(wrongFiles)(
    "is refused with place and hint: $message",
    ({ text, message, hint, code = "USAGE" }) => {
      expect(() => parseComposeFile(text, { name: "f" })).toThrow(
        expect.objectContaining({ code, hint: expect.stringContaining(hint) }),
      );
      expect(() => parseComposeFile(text, { name: "f" })).toThrow(`f:${message}`);
    },
  );

  it("that comes of a right one by any accident is read, or refused with a place", () => {
    const right = `builders: {a: "x:1"}\nbase: \${B:-y}\ncopy:\n  - {from: a, src: [/a, /b], dst: /c/, chmod: 0755}\n  - /d:/e\nenv: {A: &x 1, B: *x}\nexpose: [80]\nhealthcheck: {test: [CMD], interval: 1s}\ntags: [t]\n`;
    const accident = fc.record({
      at: fc.nat(right.length),
      removed: fc.nat(12),
      put: fc.oneof(
        fc.string({ maxLength: 4 }),
        fc.constantFrom(
          "$",
          "${",
          "}",
          "[",
          "{",
          ": ",
          "\n",
          "- ",
          "*x",
          "&x",
          "!",
          "\t",
          "---\n",
          "null",
          "__proto__",
        ),
      ),
    });
    fc.assert(
      fc.property(fc.array(accident, { minLength: 1, maxLength: 3 }), (accidents) => {
        let text = right;
        for (const { at, removed, put } of accidents)
          text = text.slice(0, at) + put + text.slice(at + removed);
        try {
          parseComposeFile(text, { name: "f" });
        } catch (error) {
          expect(error).toBeInstanceOf(ComposeImageError);
          expect(error).toMatchObject({ message: expect.stringMatching(/^f:\d+:\d+: /) });
        }
      }),
      { numRuns: 3000 },
    );
  });

  it.each<[options: ComposeFileOptions, message: string, hint: string]>([
    [{ variables: { X: "1" } }, "--var X: nothing in f asks for it", "${X}"],
    [{ set: ["basse=x"] }, '--set basse: "basse" is not a known key', "Did you mean base?"],
    [{ set: ["copy[3]=/a"] }, "--set copy[3]: copy is a list of 1, which has no 3", "from 0"],
    [
      { set: ["copy[0].src=/a"] },
      "--set copy[0].src: copy[0] is text, which has no src",
      "Set copy[0] itself",
    ],
    [{ set: ["record=all"] }, "--set record: record all is not known", "annotations, none"],
    [{ set: ["x"] }, "--set x is not KEY=VALUE", "--set env.MODE=test"],
    [{ replace: ["x"] }, "--replace x is not FROM=TO", "docker.io/library"],
    [{ flags: { chmod: "9" } }, "--chmod 9 is not an octal mode", "0755"],
    [{ flags: { builder: "" } }, "--builder is missing", "image"],
    [
      { flags: { builder: "c:1" }, set: ["copy=[{from: b:1, src: /a}]"] },
      "--builder docker.io/library/c:1: each copy step names another image",
      "--set copy.0.from=IMAGE",
    ],
  ])("is not made right by options that are wrong: %j", (options, message, hint) => {
    expect(() => parseComposeFile(least, { name: "f", ...options })).toThrow(
      expect.objectContaining({
        code: "USAGE",
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      }),
    );
  });
});
