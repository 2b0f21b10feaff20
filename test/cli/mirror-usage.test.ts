import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { expect, test } from "vitest";
import { addMirrorCommand } from "../../src/cli/commands/mirror.ts";
import { exitStatusOf } from "../../src/cli/exit-status.ts";
import { describeError, usageError } from "../../src/cli/report-error.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { startSide } from "../mirror/mirror-scene.ts";
import { temporaryDirectory } from "../support/temp.ts";

/** What a wrong command line is answered with: the message and its hint. Nothing may be printed before. */
async function refusal(args: readonly string[], input = "", env: Terminal["env"] = {}) {
  const written: string[] = [];
  const terminal: Terminal = {
    write: (text) => written.push(text),
    writeError: (text) => written.push(text),
    writeContent: async () => {},
    writeWhole: async () => {},
    isOutputTerminal: false,
    readInput: async () => input,
    canAsk: false,
    ask: async () => "",
    isInteractive: false,
    width: () => 80,
    env,
    signal: new AbortController().signal,
  };
  const program = new Command("compose-image")
    .exitOverride()
    .configureOutput({ writeOut: () => {}, writeErr: () => {}, outputError: () => {} });
  addMirrorCommand(program, terminal);
  const thrown: unknown = await program.parseAsync(args, { from: "user" }).then(
    () => undefined,
    (error: unknown) => error,
  );
  const error = thrown instanceof CommanderError ? usageError(thrown, "compose-image") : thrown;
  const [message = "", hint = ""] = describeError(error, false).split("\n");
  return { status: error === undefined ? 0 : exitStatusOf(error), message, hint, written };
}

const one = (host: string): string => `repositories:\n  - {name: "${host}/app", tags: ["1"]}\n`;

test("what is wrong on the command line is told with a hint, before any request", async () => {
  const { host, asked } = await startSide();
  const home = await temporaryDirectory("usage");
  const file = join(home, "mirror.yaml");
  await writeFile(file, one(host));
  const fault = join(home, "fault.yaml");
  await writeFile(fault, "repositories:\n  - {name: app, tag: x}\n");
  const lock = join(home, "other.lock.json");
  await writeFile(lock, '{"version":1,"images":[]}\n');
  const sync = ["sync", "-f", file];
  const cases: readonly (readonly [args: readonly string[], message: RegExp, input?: string])[] = [
    [[], /mirror does nothing by itself/],
    [["carry"], /"carry" is neither a command nor an option/],
    [["sync", host], /required option '-f, --file <file>' not specified/],
    [sync, /missing required argument 'registry'/],
    [[...sync, "oci:images"], /mirror sync copies to a registry, and oci:images is none/],
    [[...sync, "oci-archive:images.tar"], /mirror sync copies to a registry/],
    [[...sync, "hub"], /malformed place "hub": it names no registry/],
    [[...sync, `${host}/hub/app:1`], /it names an image, 1, and all are meant/],
    [[...sync, `${host}/Hub`], /malformed place/],
    [[...sync, host, "more"], /sync takes one argument, and got more/],
    [["save", "-f", file, host], /mirror save writes files, and .* is a registry/],
    [["save", "-f", file, "oci:images:1"], /it names an image, and all are meant/],
    [["save", "-f", file, "docker-archive:images.tar"], /holds no repositories/],
    [["save", "-f", file, "--json", "oci-archive:-"], /standard output is for --json already/],
    [["save", "-f", file, "--have", join(home, "none.json"), "oci:x"], /none\.json/],
    [["save", "-f", file, "--have", file, "oci:x"], /inventory/],
    [["save", "-f", file, "--split", "0", "oci-archive:x"], /--split/],
    [["save", "-f", file, "--split", "many", "oci-archive:x"], /--split/],
    [["save", "-f", file, "--split", "1GB", `oci:${home}/images`], /it cannot be split/],
    [["save", "-f", file, "--split", "1GB", "oci-archive:-"], /standard output cannot be split/],
    [["load", host, host], /mirror load reads files, and .* is a registry/],
    [["load", "oci:images"], /missing required argument 'target'/],
    [["load", "-f", file, "oci:images", host], /unknown option '-f'/],
    [["load", "oci:images", `${host}/app:1`], /it names an image/],
    [["diff", "-f", file, "--jobs", "none", host], /--jobs/],
    [[...sync, "--jobs", "0", host], /--jobs/],
    [[...sync, "--jobs", "-1", host], /--jobs/],
    [[...sync, "--shard", "0/3", host], /there is no share 0 of 3/],
    [[...sync, "--shard", "4/3", host], /there is no share 4 of 3/],
    [[...sync, "--shard", "3", host], /--shard 3 is not a share/],
    [[...sync, "--shard", "auto/3", host], /JOB_COMPLETION_INDEX is not set/],
    [[...sync, "--locked", "--no-lock", host], /--locked needs a lock file/],
    [[...sync, "--locked", host], /the lock file .*mirror\.lock\.json/],
    [[...sync, "--locked", "--lock", lock, host], /other\.lock\.json does not fit .*it lacks/],
    [[...sync, "--locked", "--lock", file, host], /mirror\.yaml/],
    [["sync", "-f", "-", "--locked", host], /--locked needs a lock file/, one(host)],
    [["sync", "-f", "-", host], /standard input/],
    [["sync", "-f", join(home, "none.yaml"), host], /none\.yaml/],
    [["sync", "-f", fault, host], /fault\.yaml:2:17: .*tag/],
    [[...sync, "--retries", "x", host], /--retries/],
    [[...sync, "--timeout", "x", host], /--timeout/],
    [[...sync, "--authfile", join(home, "none"), host], /--authfile .* is not there/],
    [[...sync, "--insecure", "https://x", host], /--insecure takes HOST/],
    [["verify", "--locked", host], /--locked needs the mirror\.yaml/],
    [["config"], /missing required argument|not specified/],
  ];
  const found: unknown[] = [];
  const wanted: unknown[] = [];
  for (const [args, message, input = "repositories: nothing\n"] of cases) {
    const told = await refusal(["mirror", ...args], input);
    found.push({ args, ...told });
    wanted.push({
      args,
      status: 2,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/^ {2}hint: \S.*\S/),
      written: [],
    });
  }
  expect(found).toEqual(wanted);
  expect(asked()).toEqual([]);
});

test("an indexed job that has more completions than shares is told", async () => {
  const home = await temporaryDirectory("usage");
  const file = join(home, "mirror.yaml");
  await writeFile(file, one("registry.example"));
  const told = await refusal(["mirror", "sync", "-f", file, "--shard", "auto/3", "registry.example"], "", {
    JOB_COMPLETION_INDEX: "3",
  });
  expect(told).toMatchObject({ status: 2, message: expect.stringMatching(/JOB_COMPLETION_INDEX is "3"/) });
});
