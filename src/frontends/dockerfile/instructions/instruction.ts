import { type Flag, readFlags } from "../flags.ts";
import type { SourceText } from "../source-text.ts";
import { type CommandForm, readCommand, readJsonList } from "./command.ts";
import { type CopyInstruction, readCopy } from "./copy.ts";
import { type FromInstruction, readFrom } from "./from.ts";
import { type Healthcheck, readHealthcheck } from "./healthcheck.ts";
import { type ArgItem, type Pair, readArgs, readPairs } from "./pairs.ts";
import type { Keyword, RawInstruction } from "./raw-instruction.ts";
import { readWords } from "./words.ts";

interface Placed<K extends Keyword> {
  readonly keyword: K;
  /** The keyword as written. */
  readonly source: SourceText;
}

/** An instruction with its arguments read; variables are not put in. */
export type Instruction =
  | (Placed<"FROM"> & FromInstruction)
  | (Placed<"ARG"> & { readonly items: readonly ArgItem[] })
  | (Placed<"ENV" | "LABEL"> & { readonly pairs: readonly Pair[] })
  | (Placed<"COPY" | "ADD"> & CopyInstruction)
  | (Placed<"CMD" | "ENTRYPOINT"> & { readonly command: CommandForm })
  | (Placed<"SHELL"> & { readonly words: readonly string[] })
  | (Placed<"HEALTHCHECK"> & { readonly check: Healthcheck })
  | (Placed<"EXPOSE" | "VOLUME"> & { readonly words: readonly SourceText[] })
  | (Placed<"USER" | "WORKDIR" | "STOPSIGNAL" | "MAINTAINER"> & { readonly text: SourceText })
  | (Placed<"RUN"> & { readonly flags: readonly Flag[] })
  | Placed<"ONBUILD">;

/**
 * Reads an instruction's arguments.
 *
 * @throws ComposeImageError `USAGE` with file, line and column.
 */
export function readInstruction(raw: RawInstruction): Instruction {
  const { keyword, source } = raw;
  switch (keyword) {
    case "RUN":
      return { keyword, source, flags: raw.flags };
    case "ONBUILD":
      return { keyword, source };
    case "FROM":
      return { keyword, source, ...readFrom(raw) };
    case "COPY":
    case "ADD":
      return { keyword, source, ...readCopy(raw) };
    case "HEALTHCHECK":
      return { keyword, source, check: readHealthcheck(raw) };
  }
  readFlags(raw.flags, keyword, {});
  if (raw.rest.text === "") throw source.fault(`${keyword} says nothing`, usage[keyword]);
  switch (keyword) {
    case "ARG":
      return { keyword, source, items: readArgs(raw) };
    case "ENV":
    case "LABEL":
      return { keyword, source, pairs: readPairs(raw) };
    case "CMD":
    case "ENTRYPOINT":
      return { keyword, source, command: readCommand(raw.rest) };
    case "SHELL": {
      const words = readJsonList(raw.rest);
      if (words === undefined || words.length === 0) {
        throw raw.rest.fault("SHELL is not written as JSON", usage.SHELL);
      }
      return { keyword, source, words: words.map(({ text }) => text) };
    }
    case "EXPOSE":
    case "VOLUME":
      return { keyword, source, words: readWords(raw.rest, keyword === "VOLUME") };
    default:
      return { keyword, source, text: raw.rest };
  }
}

const usage: Readonly<
  Record<Exclude<Keyword, "RUN" | "ONBUILD" | "FROM" | "COPY" | "ADD" | "HEALTHCHECK">, string>
> = {
  ARG: "Write ARG NAME or ARG NAME=DEFAULT.",
  ENV: "Write ENV NAME=VALUE.",
  LABEL: "Write LABEL NAME=VALUE.",
  CMD: 'Write CMD ["program","argument"], or CMD [] for none.',
  ENTRYPOINT: 'Write ENTRYPOINT ["program","argument"], or ENTRYPOINT [] for none.',
  SHELL: 'Write SHELL ["/bin/sh","-c"].',
  EXPOSE: "Write EXPOSE 8080, 53/udp or 8000-8010.",
  VOLUME: "Write VOLUME /path.",
  USER: "Write USER NAME or USER NAME:GROUP.",
  WORKDIR: "Write WORKDIR /path.",
  STOPSIGNAL: "Write STOPSIGNAL SIGTERM.",
  MAINTAINER: "Write MAINTAINER NAME, or rather LABEL org.opencontainers.image.authors=NAME.",
};
