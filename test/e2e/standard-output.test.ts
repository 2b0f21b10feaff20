import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { attempt, type CommandResult } from "../support/command.ts";
import { makeImage, saveMade } from "../support/make-image.ts";
import { cliPath } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

describeWith(["cli"], "standard output", () => {
  let image: string;

  beforeAll(async () => {
    const large = { path: "large", content: Buffer.alloc(3 * 1024 * 1024, "line\n") };
    const layout = join(await temporaryDirectory("output"), "layout");
    await saveMade(makeImage({ layers: [{ files: [large] }] }), layout, "1");
    image = `oci:${layout}:1`;
  });

  /** Runs a script of sh(1) with the command as its arguments. */
  const inShell = (script: string, args: readonly string[]): Promise<CommandResult> =>
    attempt("sh", ["-c", script, "sh", process.execPath, cliPath, ...args]);

  test.each([
    ["cat", "/large"],
    ["ls", "/"],
  ])("whose reader leaves early is no fault of `%s`", async (command, path) => {
    const script = '{ "$@"; echo "status $?" >&2; } | head -c 1';
    expect((await inShell(script, [command, image, path])).stderr).toBe("status 0\n");
  });

  test.each([
    ["cat", "/large"],
    ["ls", "/"],
  ])("on a full disk ends `%s` with 8", async (command, path) => {
    const { status, stderr } = await inShell('"$@" > /dev/full', [command, image, path]);
    expect(stderr).toBe(
      "compose-image: cannot write to standard output: the disk is full [DISK_FULL]\n  hint: Make room, or name another place.\n",
    );
    expect(status).toBe(8);
  });
});
