import type { BigIntStats } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import { errnoOf } from "../../src/io/local-error.ts";
import { expectNoSecrets } from "./secrets.ts";

/** Most bytes of a file that are looked at. */
const mostRead = 1024 * 1024;

/** The files that a command may write, noted before it runs. */
export class LeftFiles {
  private readonly folders: readonly string[];
  private readonly named: readonly string[];
  private readonly before = new Map<string, string>();

  private constructor(folders: readonly string[], named: readonly string[]) {
    this.folders = folders;
    this.named = named;
  }

  /**
   * Notes what there is before a command runs.
   *
   * @param folders looked through with all that is below.
   * @param args of the command: those that are a file's path are looked at, too.
   */
  static async note(folders: readonly string[], args: readonly string[], cwd: string): Promise<LeftFiles> {
    const values = args.flatMap((arg) => [arg, arg.slice(arg.indexOf("=") + 1)]);
    const named = values
      .filter((value) => value.length > 1)
      .map((value) => (isAbsolute(value) ? value : resolve(cwd, value)));
    const left = new LeftFiles(folders, named);
    for await (const { path, state } of left.files()) left.before.set(path, state);
    return left;
  }

  /**
   * Expects that no file the command wrote shows a secret, and captures them all. A credentials file may: secrets
   * belong there.
   *
   * @throws Error naming file and secret.
   */
  async expectNoSecrets(): Promise<void> {
    for await (const { path, state } of this.files()) {
      if (this.before.get(path) === state) continue;
      const content = await beginningOf(path);
      if (content !== undefined && !isCredentialsFile(content)) expectNoSecrets(content, `the file ${path}`);
    }
  }

  private async *files(): AsyncGenerator<{ readonly path: string; readonly state: string }> {
    const paths = new Set(this.named);
    for (const folder of this.folders) {
      for (const name of await readdir(folder, { recursive: true }).catch(() => []))
        paths.add(join(folder, name));
    }
    for (const path of paths) {
      const stats = await lstat(path, { bigint: true }).catch(() => undefined);
      if (stats?.isFile() === true) yield { path, state: stateOf(stats) };
    }
  }
}

function stateOf({ ino, size, ctimeNs }: BigIntStats): string {
  return `${ino} ${size} ${ctimeNs}`;
}

/** `undefined` for a file that is gone by now, as another command's temporary one: it was not left. */
async function beginningOf(path: string): Promise<Buffer | undefined> {
  const opened = await open(path).catch((error: unknown) => {
    if (errnoOf(error) !== "ENOENT") throw error;
    return undefined;
  });
  if (opened === undefined) return undefined;
  await using file = opened;
  const buffer = Buffer.alloc(Math.min(mostRead, (await file.stat()).size));
  const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, 0);
  return buffer.subarray(0, bytesRead);
}

function isCredentialsFile(content: Buffer): boolean {
  try {
    const { auths }: { auths?: unknown } = JSON.parse(content.toString());
    return auths !== undefined;
  } catch {
    return false;
  }
}
