import type { Flag } from "../flags.ts";
import type { SourceText } from "../source-text.ts";

/** The words that instructions begin with. */
export const keywords = [
  "ADD",
  "ARG",
  "CMD",
  "COPY",
  "ENTRYPOINT",
  "ENV",
  "EXPOSE",
  "FROM",
  "HEALTHCHECK",
  "LABEL",
  "MAINTAINER",
  "ONBUILD",
  "RUN",
  "SHELL",
  "STOPSIGNAL",
  "USER",
  "VOLUME",
  "WORKDIR",
] as const;

export type Keyword = (typeof keywords)[number];

/** An instruction before its arguments are read. */
export interface RawInstruction {
  readonly keyword: Keyword;
  /** The keyword as written. */
  readonly source: SourceText;
  readonly flags: readonly Flag[];
  /** What follows the flags. */
  readonly rest: SourceText;
  /** Names of heredocs it begins. */
  readonly heredocs: readonly string[];
  /** What takes a character's meaning away in it. */
  readonly escapeCharacter: string;
}
