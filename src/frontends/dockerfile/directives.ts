import type { SourceText } from "./source-text.ts";

/** What lines of the form `# NAME=VALUE` at the top of a Dockerfile say. */
export interface Directives {
  /** What takes a character's meaning away, and continues lines. */
  readonly escapeCharacter: "\\" | "`";
}

const known = ["syntax", "escape", "check"];

/**
 * Reads parser directives line by line, until the first line that is none.
 *
 * @see https://docs.docker.com/reference/dockerfile/#parser-directives
 */
export class DirectiveReader {
  #escapeCharacter: Directives["escapeCharacter"] = "\\";
  #isOver = false;
  readonly #seen = new Set<string>();

  get directives(): Directives {
    return { escapeCharacter: this.#escapeCharacter };
  }

  /**
   * Takes the next line into account.
   *
   * @throws ComposeImageError `USAGE` for a directive that comes twice, an escape character there is not, and a syntax
   *   that is no Dockerfile's.
   */
  read(line: SourceText): void {
    if (this.#isOver) return;
    const match = /^\s*#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(line.text);
    const name = match?.[1]?.toLowerCase() ?? "";
    if (match === null || !known.includes(name)) {
      this.#isOver = true;
      return;
    }
    const place = line.trim();
    if (this.#seen.has(name)) throw place.fault(`the directive ${name} comes twice`, "Keep one of them.");
    this.#seen.add(name);
    const value = match[2] ?? "";
    if (name === "escape") {
      if (value !== "\\" && value !== "`") {
        throw place.fault(`the escape character cannot be ${value}`, "It is a backslash or a backtick.");
      }
      this.#escapeCharacter = value;
    }
    if (name === "syntax" && !/(?:^|[/-])dockerfile[^/]*$/.test(value)) {
      throw place.fault(
        `the syntax ${value} is not that of Dockerfiles`,
        "Programs that read other syntaxes are not run here: turn the file into a Dockerfile.",
      );
    }
  }
}
