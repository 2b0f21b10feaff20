import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { attempt } from "./command.ts";
import { LeftFiles } from "./left-files.ts";
import { type CliResult, cliPath, expectDiscreet, isolatedEnvironment } from "./run-cli.ts";
import { temporaryDirectory } from "./temp.ts";

/** How a command ended, and what it took at its peak. */
export interface MeasuredResult extends CliResult {
  /** Bytes of memory resident at the peak. */
  readonly peakMemory: number;
}

/** As `runCli`, under GNU time. */
export async function runMeasured(args: readonly string[]): Promise<MeasuredResult> {
  const home = await temporaryDirectory("cli-home");
  const temporary = await temporaryDirectory("cli-tmp");
  const report = join(await temporaryDirectory("time"), "kibibytes");
  const left = await LeftFiles.note([home, temporary], args, home);
  const result = await attempt(
    "time",
    ["--quiet", "--format=%M", `--output=${report}`, process.execPath, cliPath, ...args],
    { cwd: home, env: isolatedEnvironment(home, temporary) },
  );
  await expectDiscreet(args, result, left);
  return {
    ...{
      status: result.status,
      signal: result.signal,
      stdout: result.stdout.toString(),
      stderr: result.stderr,
    },
    ...{ home, temporary, peakMemory: Number(await readFile(report, "utf8")) * 1024 },
  };
}
