import { DirectiveReader, type Directives } from "./directives.ts";
import { heredocsOf } from "./heredoc.ts";
import { SourceText } from "./source-text.ts";

/** A Dockerfile's instructions as text, and what its directives say. */
export interface LogicalLines {
  readonly lines: readonly LogicalLine[];
  readonly directives: Directives;
}

/** One instruction, put together from its lines. */
export interface LogicalLine {
  /** Without white space around it. */
  readonly source: SourceText;
  /** Names of the heredocs it begins, whose lines are left out. */
  readonly heredocs: readonly string[];
}

/**
 * Puts the lines of a Dockerfile together, as Docker does: a line that ends in the escape character goes on in the next;
 * comments and empty lines between are passed over; a byte order mark and carriage returns do not count.
 *
 * @param name the file's, for messages.
 * @throws ComposeImageError `USAGE` with line and column for directives that are wrong, and heredocs without an end.
 */
export function logicalLines(text: string, name: string): LogicalLines {
  const rows = text.replace(/^\uFEFF/, "").split("\n");
  if (rows.at(-1) === "") rows.pop();
  const directives = new DirectiveReader();
  const lines: LogicalLine[] = [];
  for (let row = 0; row < rows.length; ) {
    const first = lineAt(rows, row, name);
    directives.read(first);
    const { escapeCharacter } = directives.directives;
    const { source, next } = joined(rows, row, name, escapeCharacter);
    row = next;
    if (source.text === "") continue;
    const heredocs = heredocsOf(source.text, escapeCharacter);
    for (const heredoc of heredocs) {
      const end = rows.findIndex((line, i) => i >= row && isEnd(line, heredoc));
      if (end < 0) {
        throw source.fault(
          `the heredoc ${heredoc.name} has no end`,
          `Write ${heredoc.name} in a line of its own after it.`,
          source.text.indexOf("<<"),
        );
      }
      row = end + 1;
    }
    lines.push({ source, heredocs: heredocs.map(({ name: each }) => each) });
  }
  return { lines, directives: directives.directives };
}

/** The instruction that begins in a row, and the row after it. */
function joined(
  rows: readonly string[],
  start: number,
  file: string,
  escapeCharacter: string,
): { readonly source: SourceText; readonly next: number } {
  const segments = [];
  let text = "";
  let row = start;
  for (let goesOn = true; goesOn && row < rows.length; row += 1) {
    const line = withoutReturn(rows[row] ?? "");
    const isComment = /^\s*#/.test(line);
    if (isComment && row > start) continue;
    if (row > start && line.trim() === "") continue;
    const kept = continued(isComment ? "" : line, escapeCharacter);
    goesOn = kept !== undefined;
    segments.push({ start: text.length, line: row + 1, column: 1 });
    text += kept ?? (isComment ? "" : line);
  }
  return { source: new SourceText(text, file, segments).trim(), next: row };
}

/** A line without the escape character at its end that lets it go on; two of them are none. */
function continued(line: string, escapeCharacter: string): string | undefined {
  const trimmed = line.replace(/[ \t]+$/, "");
  if (!trimmed.endsWith(escapeCharacter) || trimmed.at(-2) === escapeCharacter) return undefined;
  return trimmed.slice(0, -1);
}

function lineAt(rows: readonly string[], row: number, file: string): SourceText {
  return new SourceText(withoutReturn(rows[row] ?? ""), file, [{ start: 0, line: row + 1, column: 1 }]);
}

function withoutReturn(line: string): string {
  return line.replace(/\r+$/, "");
}

function isEnd(line: string, { name, isIndented }: { name: string; isIndented: boolean }): boolean {
  const content = withoutReturn(line);
  return (isIndented ? content.replace(/^\t+/, "") : content) === name;
}
