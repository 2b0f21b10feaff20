import { posix } from "node:path";
import { namesDirectory } from "../../model/destination.ts";
import { parseOwner } from "../../model/owner.ts";
import type { CopySource, CopyStep } from "../../plan/compose-plan.ts";
import { leadsOut } from "../../plan/directory.ts";
import { parseMode } from "../../plan/mode.ts";
import { isTemplate, type Text } from "../../plan/text.ts";
import { within } from "../../plan/within.ts";
import type { Instruction } from "./instructions/instruction.ts";
import type { SourceText } from "./source-text.ts";
import type { StageState } from "./stage-state.ts";

type Copy = Extract<Instruction, { keyword: "COPY" | "ADD" }>;

/** Files whose content `ADD` would take for an archive, by their names. */
const archive = /\.(?:tar|tgz|tbz2?|txz|tzst|tar\.(?:gz|bz2|xz|zst|Z))$/i;

const remote = /^(?:https?|ftp|git|ssh):\/\/|^git@[^:]+:/i;

/**
 * The plan's step for `COPY` or `ADD`.
 *
 * @throws ComposeImageError `USAGE` with line and column.
 */
export function copyStep(state: StageState, copy: Copy, from: CopySource): CopyStep {
  const [flag] = copy.refused;
  if (flag !== undefined) {
    throw flag.fault(
      `${flag.text} is about what is downloaded, which is not done here`,
      "Leave the flag out, and copy files of the context.",
    );
  }
  const [heredoc] = copy.sources.filter(({ text }) => /^\d*<</.test(text));
  if (heredoc !== undefined && copy.heredocs.length > 0) {
    throw heredoc.fault(
      `a heredoc (${heredoc.text}) is not copied from here`,
      "Write its lines to a file of the context, and copy that.",
    );
  }
  const sources = copy.sources.map((source) => sourcePath(state, copy, source));
  const destination = filled(state, copy.destination, "the destination");
  if (sources.length > 1 && !isTemplate(destination) && !namesDirectory(destination)) {
    throw copy.destination.fault(
      `several sources cannot be copied to ${destination}, which is a single name`,
      `End it in a slash: ${destination}/`,
    );
  }
  const chown = copy.chown && owner(state, copy.chown);
  const chmod = copy.chmod && mode(state, copy.chmod);
  const workdir = state.workdirs;
  const isRelative = isTemplate(destination) || !destination.startsWith("/");
  return {
    from,
    sources,
    destination,
    ...((isRelative || workdir.length > 0) && { workdir: [...workdir] }),
    ...(chown !== undefined && { chown }),
    ...(chmod !== undefined && { chmod }),
    exclude: copy.exclude.map((pattern) => state.expand(pattern)).filter((pattern) => pattern !== ""),
    link: copy.link,
    ...(copy.parents && { parents: true }),
    ...(copy.keyword === "ADD" && !copy.keepsArchives && { addedAt: copy.source.at() }),
  };
}

function sourcePath(state: StageState, copy: Copy, source: SourceText): Text {
  const text = filled(state, source, "the source");
  if (isTemplate(text)) return text;
  if (remote.test(text)) {
    throw source.fault(
      `${copy.keyword} of ${text}: nothing is downloaded here but images`,
      "Download it before, and copy it from the context with COPY.",
    );
  }
  if (copy.keyword === "ADD" && !copy.keepsArchives && archive.test(text)) {
    throw source.fault(
      `ADD would unpack ${text}, which is not done here`,
      "Unpack it before, and copy the directory with COPY; or use COPY to have the archive itself.",
    );
  }
  // As with Docker, nothing is above the root.
  return leadsOut(text) ? posix.normalize(`/${text}`) : text;
}

/** An empty path would stand for all there is. */
function filled(state: StageState, source: SourceText, what: string): Text {
  const text = state.expand(source);
  if (text === "") throw source.fault(`${what} is empty`, "Write a path, or give the variable a value.");
  return text;
}

/** An empty one is none, as with Docker. */
function owner(state: StageState, source: SourceText): CopyStep["chown"] {
  const text = state.expand(source);
  if (text === "") return undefined;
  return isTemplate(text) ? text : within(`${source.at()}: --chown`, () => parseOwner(text));
}

function mode(state: StageState, source: SourceText): CopyStep["chmod"] {
  const text = state.expand(source);
  if (text === "") return undefined;
  return isTemplate(text) ? text : parseMode(text, `${source.at()}: --chmod`);
}
