import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import type { CliResult } from "./run-cli.ts";

/** What a command that was refused has to say. */
export interface Refusal {
  /** The exit status. */
  readonly status: number;
  /** The word in brackets. */
  readonly code: string;
  /** What the message has to name: side, reference, path. Texts are looked for, patterns matched. */
  readonly message: readonly (string | RegExp)[];
  readonly hint: string | RegExp;
  /** What must not be found in any line. */
  readonly secrets?: readonly string[];
}

/** Lines of progress that may come before the message. */
const progress =
  /^(read|sent|mounted|found|retry|tagged|passed over|warning:|GET|HEAD|POST|PUT|PATCH|DELETE) /;

/** What is kept of a base layer, in a home. */
const keptEntry = /^\/\.cache\/compose-image\/layers\/sha256-[0-9a-f]{64}\.v1$/;

/**
 * Expects that a command ended with exactly one message of two lines, the hint below it, that nothing went to standard
 * output, and that it left no file in its `TMPDIR` or home but what is kept whole of base layers.
 */
export async function expectRefusal(result: CliResult, refusal: Refusal): Promise<void> {
  expectMessage(result, refusal);
  const left = await readdir(result.home, { recursive: true, withFileTypes: true });
  const files = left
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name));
  expect({
    temporary: await readdir(result.temporary),
    home: files.filter((path) => !keptEntry.test(path.slice(result.home.length))),
  }).toEqual({ temporary: [], home: [] });
}

/** The same for a command whose directories cannot be looked at from here. */
export function expectMessage(
  { status, stdout, stderr }: Pick<CliResult, "status" | "stdout" | "stderr">,
  refusal: Refusal,
): void {
  const lines = stderr.split("\n").filter((line) => line !== "" && !progress.test(line));
  expect(lines, stderr).toHaveLength(2);
  const [message = "", hint = ""] = lines;
  expect(stderr.endsWith(`${message}\n${hint}\n`), stderr).toBe(true);
  expect(message).toMatch(/^compose-image: .+ \[[A-Z_]+\]$/);
  expect(hint).toMatch(/^ {2}hint: .+$/);
  expect(message).toContain(` [${refusal.code}]`);
  for (const part of refusal.message) {
    if (typeof part === "string") expect(message).toContain(part);
    else expect(message).toMatch(part);
  }
  if (typeof refusal.hint === "string") expect(hint).toContain(refusal.hint);
  else expect(hint).toMatch(refusal.hint);
  expect((refusal.secrets ?? []).filter((secret) => stderr.includes(secret))).toEqual([]);
  expect({ status, stdout }).toEqual({ status: refusal.status, stdout: "" });
}
