import { splitWords } from "./words.ts";

/** The beginning of a heredoc: `<<NAME`, or `<<-NAME` where its lines may begin with tabs. */
export interface Heredoc {
  readonly name: string;
  readonly isIndented: boolean;
}

/**
 * The heredocs that an instruction begins: of those that may have any, unless it is written as JSON.
 *
 * @see https://docs.docker.com/reference/dockerfile/#here-documents
 */
export function heredocsOf(instruction: string, escapeCharacter: string): Heredoc[] {
  const match = /^(?:onbuild\s+)?(?:run|copy|add)\s+(.*)$/is.exec(instruction);
  const rest = match?.[1] ?? "";
  if (!rest.includes("<<") || /^(?:--\S+\s+)*\[/.test(rest)) return [];
  return splitWords(rest, escapeCharacter).flatMap(({ start, end }) => {
    const [, dash, quoted = ""] = /^\d*<<(-?)([^<]+)$/.exec(rest.slice(start, end)) ?? [];
    const name = quoted.replace(/^(["'])(.*)\1$/, "$2");
    return name === "" ? [] : [{ name, isIndented: dash === "-" }];
  });
}
