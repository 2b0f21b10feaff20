import { fileURLToPath } from "node:url";
import { attempt } from "../support/command.ts";

const script = fileURLToPath(new URL("mirror_oracle.py", import.meta.url));

/** What the oracle found. */
export interface OracleResult {
  /** 0 nothing, 1 differences, 2 no judgement. */
  readonly status: number | null;
  /** Of its standard output; the last one sums up. */
  readonly lines: readonly string[];
  readonly stderr: string;
}

/** Runs the oracle; `mirror_oracle.py --help` says what there is to ask. */
export async function runOracle(...args: readonly string[]): Promise<OracleResult> {
  const { status, stdout, stderr } = await attempt("python3", ["-B", script, ...args]);
  return { status, lines: stdout.toString().trimEnd().split("\n"), stderr };
}
