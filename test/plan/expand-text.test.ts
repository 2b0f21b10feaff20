import { describe, expect, it } from "vitest";
import { expandText, textOf } from "../../src/plan/expand-text.ts";
import { isTemplate, type Text, type TextParts, type VariableModifier } from "../../src/plan/text.ts";

const environment = new Map([
  ["PATH", "/usr/bin:/bin"],
  ["EMPTY", ""],
  ["FILE", "/srv/a.tar.gz"],
  ["LINES", "one\ntwo"],
  ["FACE", "a😀b"],
]);

function expand(...parts: TextParts): string {
  return expandText({ parts, where: "Dockerfile:3:7" }, (name) => environment.get(name));
}

function word(operator: ":-" | "-" | ":+" | "+" | ":?" | "?", ...parts: TextParts): VariableModifier {
  return { operator, word: parts };
}

function cut(operator: "#" | "##" | "%" | "%%", ...pattern: TextParts): VariableModifier {
  return { operator, pattern };
}

function swap(operator: "/" | "//", pattern: string, replacement: string): VariableModifier {
  return { operator, pattern: [pattern], replacement: [replacement] };
}

describe("expanding a text", () => {
  it.each<[string, TextParts, string]>([
    ["puts a variable in", ["/app/bin:", { variable: "PATH" }], "/app/bin:/usr/bin:/bin"],
    ["leaves empty what is not set", ["<", { variable: "NONE" }, ">"], "<>"],
    [":- of one not set", [{ variable: "NONE", modifier: word(":-", "x") }], "x"],
    [":- of an empty one", [{ variable: "EMPTY", modifier: word(":-", "x") }], "x"],
    [":- of a set one", [{ variable: "PATH", modifier: word(":-", "x") }], "/usr/bin:/bin"],
    ["- of one not set", [{ variable: "NONE", modifier: word("-", "x") }], "x"],
    ["- of an empty one", [{ variable: "EMPTY", modifier: word("-", "x") }], ""],
    [":+ of one not set", [{ variable: "NONE", modifier: word(":+", "x") }], ""],
    [":+ of an empty one", [{ variable: "EMPTY", modifier: word(":+", "x") }], ""],
    [":+ of a set one", [{ variable: "PATH", modifier: word(":+", "x") }], "x"],
    ["+ of one not set", [{ variable: "NONE", modifier: word("+", "x") }], ""],
    ["+ of an empty one", [{ variable: "EMPTY", modifier: word("+", "x") }], "x"],
    [":? of a set one", [{ variable: "PATH", modifier: word(":?", "no") }], "/usr/bin:/bin"],
    ["? of an empty one", [{ variable: "EMPTY", modifier: word("?", "no") }], ""],
    [
      "variables in a word",
      [{ variable: "NONE", modifier: word(":-", "<", { variable: "PATH" }, ">") }],
      "</usr/bin:/bin>",
    ],
    [
      "the value a file has set",
      [{ variable: "PATH", value: ["/a:", { variable: "PATH" }] }],
      "/a:/usr/bin:/bin",
    ],
    [
      "a word for a value that is empty in the end",
      [{ variable: "A", value: [{ variable: "NONE" }], modifier: word(":-", "x") }],
      "x",
    ],
    [
      "no word for a value that is set, and empty",
      [{ variable: "A", value: [{ variable: "NONE" }], modifier: word("-", "x") }],
      "",
    ],
    ["# cuts the shortest beginning", [{ variable: "FILE", modifier: cut("#", "*/") }], "srv/a.tar.gz"],
    ["## the longest", [{ variable: "FILE", modifier: cut("##", "*/") }], "a.tar.gz"],
    ["% cuts the shortest end", [{ variable: "FILE", modifier: cut("%", ".*") }], "/srv/a.tar"],
    ["%% the longest", [{ variable: "FILE", modifier: cut("%%", ".*") }], "/srv/a"],
    ["? in a pattern", [{ variable: "FILE", modifier: cut("#", "/???/") }], "a.tar.gz"],
    ["? for a character of two units", [{ variable: "FACE", modifier: cut("#", "a?") }], "b"],
    ["no match", [{ variable: "FILE", modifier: cut("#", "srv") }], "/srv/a.tar.gz"],
    ["a backslash in a pattern", [{ variable: "A", value: ["*a*"], modifier: cut("##", "\\*") }], "a*"],
    [
      "a variable in a pattern",
      [{ variable: "PATH", modifier: cut("#", { variable: "PATH", modifier: cut("%%", ":*") }) }],
      ":/bin",
    ],
    ["* stops at the end of a line", [{ variable: "LINES", modifier: cut("##", "*") }], "\ntwo"],
    ["/ replaces the first", [{ variable: "PATH", modifier: swap("/", "/", "-") }], "-usr/bin:/bin"],
    ["// replaces all", [{ variable: "PATH", modifier: swap("//", "/", "-") }], "-usr-bin:-bin"],
    ["/ takes the longest", [{ variable: "PATH", modifier: swap("/", "u*b", "X") }], "/Xin"],
    ["// with a star", [{ variable: "LINES", modifier: swap("//", "*", "X") }], "X\nX"],
    ["// with an empty pattern", [{ variable: "A", value: ["ab"], modifier: swap("//", "", "-") }], "-a-b-"],
    ["/ without a match", [{ variable: "PATH", modifier: swap("/", "x*", "-") }], "/usr/bin:/bin"],
    ["a dollar sign in a replacement", [{ variable: "FACE", modifier: swap("/", "a", "$&") }], "$&😀b"],
  ])("%s", (_, parts, expanded) => {
    expect(expand(...parts)).toBe(expanded);
  });

  it.each<[string, VariableModifier, string]>([
    ["NONE", word(":?", "give one"), "Dockerfile:3:7: NONE is not set: give one"],
    ["NONE", word("?"), "Dockerfile:3:7: NONE is not set"],
    ["EMPTY", word(":?", "give one"), "Dockerfile:3:7: EMPTY is empty: give one"],
    ["PATH", cut("#", "\\a"), 'Dockerfile:3:7: the pattern "\\\\a" has a backslash before "a"'],
    ["PATH", cut("#", "\\"), 'Dockerfile:3:7: the pattern "\\\\" has a backslash before its end'],
  ])("says where %s stands when it asks for what cannot be", (variable, modifier, message) => {
    expect(() => expand({ variable, modifier })).toThrow(expect.objectContaining({ code: "USAGE", message }));
  });

  it("takes no longer for a pattern of many stars", () => {
    const value = "a".repeat(20_000);
    const modifier = swap("//", "a*a*a*a*a*a*b", "");
    expect(expand({ variable: "A", value: [value], modifier })).toBe(value);
  });
});

describe("a text made of parts", () => {
  it.each<[string, TextParts, TextParts]>([
    ["expands what the base has no part in", ["a", { variable: "X", value: ["b"] }], ["ab"]],
    ["is plain when all is known", [{ variable: "X", value: ["a:b"], modifier: cut("%", ":*") }], ["a"]],
    [
      "joins what stands next to each other",
      ["a", "", "b", { variable: "PATH" }],
      ["ab", { variable: "PATH" }],
    ],
    [
      "puts in what a file has set",
      [{ variable: "X", value: ["/a:", { variable: "PATH" }] }, ":/b"],
      ["/a:", { variable: "PATH" }, ":/b"],
    ],
    [
      "keeps what only the base decides",
      [
        {
          variable: "X",
          value: [{ variable: "PATH" }],
          modifier: word(":-", { variable: "Y", value: ["y"] }),
        },
      ],
      [{ variable: "X", value: [{ variable: "PATH" }], modifier: word(":-", "y") }],
    ],
    [
      "puts a replacement for nothing in front",
      [{ variable: "PATH", modifier: swap("/", "", "x") }],
      ["x", { variable: "PATH" }],
    ],
  ])("%s", (_, parts, folded) => {
    const [only] = folded;
    const isPlain = folded.length === 1 && typeof only === "string";
    expect(textOf(parts, "here")).toEqual(isPlain ? only : { parts: folded, where: "here" });
  });

  it.each<[string, Text]>([
    ["text", "x".repeat(10)],
    ["a reference", { parts: [{ variable: "PATH" }], where: "here" }],
    [
      "a reference with a word",
      { parts: [{ variable: "PATH", modifier: word(":-", { variable: "B" }) }], where: "here" },
    ],
  ])("does not grow without end when %s is doubled again and again", (_, first) => {
    let text = first;
    const double = (): void => {
      const parts = isTemplate(text) ? text.parts : [text];
      text = textOf([...parts, { variable: "A", value: parts, modifier: word("-", ...parts) }], "here");
    };
    expect(() => {
      for (let i = 0; i < 64; i++) double();
    }).toThrow(
      expect.objectContaining({
        code: "LIMIT_EXCEEDED",
        message: expect.stringMatching(/^here: the text has become \d{7} characters long$/),
      }),
    );
  });

  it("is empty without parts", () => {
    expect(textOf([], "here")).toBe("");
  });
});
