import { basename, dirname, join } from "node:path";
import type { MirroredImage } from "../../mirror/mirror-outcome.ts";
import { ComposeImageError } from "../../model/errors.ts";
import type { ChosenImage, LockedImage, MirrorLock, MirrorPlan } from "../../plan/mirror-plan.ts";
import { readText } from "../read-text.ts";
import type { Terminal } from "../terminal.ts";
import { writeNewFile } from "../write-new-file.ts";
import type { MirrorFlags } from "./mirror-options.ts";

/** The lock file of a run. */
export interface MirrorLockFile {
  /** What `--locked` asks for. */
  readonly given: MirrorLock | undefined;
  /** Records what was chosen, before anything is copied. */
  writeChosen(images: readonly ChosenImage[]): Promise<void>;
  /** Records what was found to refer to it; nothing where nothing was chosen. */
  writeMirrored(images: readonly MirroredImage[]): Promise<void>;
}

/**
 * Finds the lock file, and reads it with `--locked`.
 *
 * @throws ComposeImageError `USAGE` for a lock that is not there or does not fit the plan; `LOCAL_IO` when it cannot be
 *   written.
 */
export async function openMirrorLock(
  { file, lock, locked = false }: Pick<MirrorFlags, "file" | "lock" | "locked">,
  plan: MirrorPlan,
  { isWritten }: { readonly isWritten: boolean },
  terminal: Terminal,
): Promise<MirrorLockFile> {
  const path = lock === false ? undefined : (lock ?? lockBeside(file));
  const { formatMirrorLock, parseMirrorLock } = await import("../../frontends/mirror-file/lock-file.ts");
  if (locked) {
    if (path === undefined) {
      throw new ComposeImageError("USAGE", "--locked needs a lock file", {
        hint: "Name it with --lock FILE; without --locked the digests are those that the tags name now.",
      });
    }
    const { expectLockFits } = await import("../../frontends/mirror-file/lock-fits.ts");
    const given = parseMirrorLock(await readText(path, `the lock file ${path}`, terminal), path);
    expectLockFits(given, plan, { lock: path, file });
    return { given, writeChosen: async () => {}, writeMirrored: async () => {} };
  }
  const isKept = path !== undefined && (isWritten || lock !== undefined);
  let chosen: readonly LockedImage[] | undefined;
  const write = async (images: readonly LockedImage[]): Promise<void> => {
    chosen = images;
    if (isKept) await replaceFile(path, formatMirrorLock({ images }));
  };
  return {
    given: undefined,
    writeChosen: (images) =>
      write(
        images.map(({ registry, repository, target, tag, digest }) => ({
          ...{ registry, repository, target, tag, digest },
          referrers: [],
        })),
      ),
    writeMirrored: async (images) => {
      if (chosen === undefined) return;
      const found = new Map(images.map(({ image, referrers }) => [keyOf(image), referrers]));
      await write(chosen.map((image) => ({ ...image, referrers: found.get(keyOf(image)) ?? [] })));
    },
  };
}

/**
 * For commands that write no lock file.
 *
 * @throws ComposeImageError `USAGE` for one that would not be read either.
 */
export function expectLockRead({ lock, locked }: Pick<MirrorFlags, "lock" | "locked">): void {
  if (lock === undefined || locked) return;
  throw new ComposeImageError("USAGE", "--lock names a file that only --locked reads here", {
    hint: "Add --locked, or leave --lock out.",
  });
}

function keyOf({ target, tag, digest }: ChosenImage): string {
  return `${target}:${tag ?? ""}@${digest}`;
}

/** `mirror.lock.json` for `mirror.yaml`; standard input has none beside it. */
function lockBeside(file: string): string | undefined {
  if (file === "-") return undefined;
  return join(dirname(file), `${basename(file).replace(/\.(?:ya?ml|json)$/, "")}.lock.json`);
}

async function replaceFile(path: string, text: string): Promise<void> {
  try {
    await writeNewFile(path, text);
  } catch (cause) {
    if (!(cause instanceof ComposeImageError) || cause.code !== "LOCAL_IO") throw cause;
    throw new ComposeImageError("LOCAL_IO", `the lock file cannot be written: ${cause.message}`, {
      hint: "Name another with --lock FILE, or write none with --no-lock.",
      cause,
    });
  }
}
