import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { attempt } from "../support/command.ts";
import { temporaryDirectory } from "../support/temp.ts";

const script = fileURLToPath(new URL("../../scripts/search-captured.ts", import.meta.url));
const secrets = new URL("../support/secrets.ts", import.meta.url).href;

/** What a test process captures that makes a secret, prints this expression as an output, and has it as a secret. */
async function capture(output: string): Promise<string> {
  const directory = await temporaryDirectory("captures");
  const program = `
    const { captureOutput } = await import(${JSON.stringify(new URL("../support/capture.ts", import.meta.url).href)});
    const { expectNoSecrets, secret } = await import(${JSON.stringify(secrets)});
    const word = secret("pass:wörd/");
    captureOutput("a command", "x".repeat(70_000));
    captureOutput("another command", ${output});
    expectNoSecrets("as it should be", "a third command");`;
  const run = await attempt(process.execPath, ["--input-type=module", "--eval", program], {
    env: { ...process.env, CAPTURE_DIR: directory },
  });
  expect(run, run.stderr).toMatchObject({ status: 0 });
  return directory;
}

const search = async (directory: string) => {
  const { status, stdout, stderr } = await attempt(process.execPath, [script, directory]);
  return { status, printed: stdout.toString(), stderr };
};

test.each([
  ["as it is", "`before ${word} after`"],
  ["as bytes of a file that is no text", "Buffer.concat([Buffer.from([0xff, 0]), Buffer.from(word)])"],
  ["in a URL", "`https://me:${encodeURIComponent(word)}@host/`"],
  ["in JSON", "JSON.stringify({ word })"],
  ["in base64", 'Buffer.from(word).toString("base64")'],
  ["in base64, one byte further", 'Buffer.from(`:${word}@`).toString("base64")'],
  ["in base64, two bytes further", 'Buffer.from(`me${word}!`).toString("base64")'],
  ["in base64url", 'Buffer.from(`me:${word}`).toString("base64url")'],
  ["across two chunks of reading", '`${"y".repeat(131_072 - 70_100)}${word.repeat(20)}`'],
])("a leak planted %s fails the search, which names the output and not the secret", async (_, output) => {
  const directory = await capture(output);
  const { status, printed } = await search(directory);
  expect(printed).toMatch(/^the secret "pass:wörd\/…" is shown in tests-\d+: another command$/m);
  expect(status).toBe(1);
  const kept = await readFile(join(directory, "outputs", /tests-\d+/.exec(printed)?.[0] ?? ""), "utf8");
  expect(kept).toContain("a third command");
  expect(printed).not.toMatch(/pass:wörd\/[0-9a-f]/);
});

test("captures without a leak pass, with the figures of what was searched", async () => {
  const { status, printed } = await search(await capture('"nothing"'));
  expect(printed).toMatch(/^searched 70\d\d\d bytes of 1 files for 1 secrets: 0 shown\n$/);
  expect(status).toBe(0);
});

test("a leak is found whose secret became known only afterwards", async () => {
  const directory = await capture("word");
  await writeFile(
    join(directory, "secrets", "later"),
    `${JSON.stringify({ name: "later", text: "as it should" })}\n`,
  );
  expect((await search(directory)).printed).toMatch(/"later…" is shown in tests-\d+: a third command/);
});

test("captures without outputs or without secrets fail the search", async () => {
  const directory = await temporaryDirectory("captures");
  await mkdir(join(directory, "outputs"));
  await mkdir(join(directory, "secrets"));
  expect((await search(directory)).status).toBe(1);
  await writeFile(join(directory, "outputs", "a"), "something");
  expect((await search(directory)).status).toBe(1);
  expect((await search(join(directory, "absent"))).status).not.toBe(0);
});
