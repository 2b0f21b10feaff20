import { describe, expect, it } from "vitest";
import { parseDockerfile } from "../../../src/frontends/dockerfile/parse-dockerfile.ts";

/** The instructions of the only stage: their keywords, with their places. */
function instructionsOf(text: string): string[] {
  const [stage] = parseDockerfile(`FROM b\n${text}`, "f").stages;
  return (stage?.instructions ?? []).map(({ keyword, source }) => `${keyword} ${source.at()}`);
}

describe("the lines of a Dockerfile", () => {
  it.each([
    [
      "go on after an escape character with spaces behind it",
      "CMD a \\  \n b\nUSER x",
      ["CMD f:2:1", "USER f:4:1"],
    ],
    ["do not go on after two of them", "CMD a \\\\\nUSER x", ["CMD f:2:1", "USER f:3:1"]],
    ["do not go on in a comment", "# a \\\nUSER x", ["USER f:3:1"]],
    ["go on over comments and empty lines", "CMD a \\\n# b\n\n  c\nUSER x", ["CMD f:2:1", "USER f:6:1"]],
    ["go on to the end of the file", "CMD a \\\n", ["CMD f:2:1"]],
    ["begin where they are indented to", "  \tUSER x", ["USER f:2:4"]],
    ["hold a comment's sign where it is none", "CMD a # b\nUSER x", ["CMD f:2:1", "USER f:3:1"]],
  ])("%s", (_, text, expected) => {
    expect(instructionsOf(text)).toEqual(expected);
  });

  it("know the place of each word, however they go on", () => {
    const [stage] = parseDockerfile("FROM b\nCOPY a \\\n  # c\n  b \\\n\n c/ # d", "f").stages;
    const [copy] = stage?.instructions ?? [];
    expect(copy?.keyword === "COPY" && copy.sources.map((each) => [each.text, each.at()])).toEqual([
      ["a", "f:2:6"],
      ["b", "f:4:3"],
      ["c/", "f:6:2"],
      ["#", "f:6:5"],
    ]);
  });
});

describe("a heredoc", () => {
  it.each([
    ["ends in a line with its name", "RUN <<EOF\nUSER x\n EOF\nEOF\nUSER y", ["RUN f:2:1", "USER f:6:1"]],
    ["may end in an indented line", "RUN <<-EOF\nUSER x\n\tEOF\nUSER y", ["RUN f:2:1", "USER f:5:1"]],
    ["may have its name in quotes", "RUN cat <<'E F' >/x\nUSER x\nE F\nUSER y", ["RUN f:2:1", "USER f:5:1"]],
    ["may be followed by another", 'RUN 3<<A <<"B"\nB\nA\nA\nB\nUSER y', ["RUN f:2:1", "USER f:7:1"]],
    ["is none in quotes", "RUN echo '<<EOF'\nUSER x", ["RUN f:2:1", "USER f:3:1"]],
    ["is none in JSON", 'RUN ["a", "<<EOF"]\nUSER x', ["RUN f:2:1", "USER f:3:1"]],
    ["is none in a shift", "RUN a=$((1<<2)); b <<<x\nUSER x", ["RUN f:2:1", "USER f:3:1"]],
    ["is none where an instruction has no files", "CMD cat <<EOF\nUSER x", ["CMD f:2:1", "USER f:3:1"]],
    ["is found behind flags", "RUN --mount=type=x <<EOF\nUSER x\nEOF\nUSER y", ["RUN f:2:1", "USER f:5:1"]],
  ])("%s", (_, text, expected) => {
    expect(instructionsOf(text)).toEqual(expected);
  });
});
