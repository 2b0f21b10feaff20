import { type FlagKind, readFlags } from "../flags.ts";
import type { SourceText } from "../source-text.ts";
import type { RawInstruction } from "./raw-instruction.ts";
import { readWords } from "./words.ts";

/** `COPY` or `ADD`, read. */
export interface CopyInstruction {
  /** A stage, an image or a context; absent for the build's context. */
  readonly from: SourceText | undefined;
  readonly chown: SourceText | undefined;
  readonly chmod: SourceText | undefined;
  readonly exclude: readonly SourceText[];
  readonly link: boolean;
  readonly parents: boolean;
  /** Flags of `ADD` that are about what is downloaded. */
  readonly refused: readonly SourceText[];
  /** Whether `ADD` is told not to unpack. */
  readonly keepsArchives: boolean;
  readonly sources: readonly SourceText[];
  readonly destination: SourceText;
  /** Names of heredocs among the sources. */
  readonly heredocs: readonly string[];
}

const common = { chown: "text", chmod: "text", link: "truth", exclude: "texts" } as const;

const kinds: Readonly<Record<"COPY" | "ADD", Readonly<Record<string, FlagKind>>>> = {
  COPY: { from: "text", ...common, parents: "truth" },
  ADD: { ...common, checksum: "text", "keep-git-dir": "truth", unpack: "truth" },
};

/**
 * Reads `COPY [FLAGS] SRC… DST`, or the same as JSON.
 *
 * @throws ComposeImageError `USAGE` with line and column.
 */
export function readCopy({ keyword, source, flags, rest, heredocs }: RawInstruction): CopyInstruction {
  const what = keyword === "ADD" ? "ADD" : "COPY";
  const values = readFlags(flags, what, kinds[what]);
  const from = values.text("from");
  if (from?.text === "")
    throw from.fault("--from has no value", "Name a stage or an image; leave it out for the context.");
  const words = readWords(rest, true);
  const destination = words.at(-1);
  if (destination === undefined || words.length < 2) {
    throw source.fault(
      `${what} needs a source and a destination`,
      `Write ${what} SRC DST, or ${what} ["SRC","DST"] for paths with spaces.`,
    );
  }
  return {
    from,
    chown: values.text("chown"),
    chmod: values.text("chmod"),
    exclude: values.texts("exclude"),
    link: values.isSet("link"),
    parents: values.isSet("parents"),
    refused: flags.filter(({ name }) => /^(?:checksum|keep-git-dir)$/.test(name)).map((flag) => flag.source),
    keepsArchives: values.text("unpack")?.text.toLowerCase() === "false",
    sources: words.slice(0, -1),
    destination,
    heredocs,
  };
}
