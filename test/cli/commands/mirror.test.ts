import { readFile } from "node:fs/promises";
import { Command } from "commander";
import { describe, expect, it, test } from "vitest";
import { addMirrorCommand } from "../../../src/cli/commands/mirror.ts";
import type { Terminal } from "../../../src/cli/terminal.ts";

const readme = await readFile(new URL("../../../README.md", import.meta.url), "utf8");
const manual = await readFile(new URL("../../../docs/mirror.md", import.meta.url), "utf8");

/** Fails whoever writes, asks or reads: what is refused here is refused before. */
const terminal: Terminal = {
  write: expect.unreachable,
  writeContent: () => expect.unreachable(),
  writeWhole: () => expect.unreachable(),
  isOutputTerminal: false,
  writeError: expect.unreachable,
  readInput: async () => "repositories: [{ name: registry.example/app:1 }]",
  canAsk: false,
  ask: expect.unreachable,
  isInteractive: false,
  width: () => 80,
  env: {},
  signal: new AbortController().signal,
};

function makeProgram(): Command {
  const program = new Command("compose-image").exitOverride().configureOutput({ outputError: () => {} });
  addMirrorCommand(program, terminal);
  return program;
}

const commands = makeProgram().commands[0]?.commands ?? [];

/** The options of a command by their long names. */
function optionsOf(command: Command): string[] {
  return command.options.flatMap(({ long }) => (long === undefined || long === null ? [] : [long]));
}

/** What stands below a heading of a document. */
function sectionOf(document: string, heading: string): string {
  return document.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
}

/** The code words of a cell of a table. */
function words(cell: string, pattern: RegExp): string[] {
  return [...cell.matchAll(pattern)].map(([, word = ""]) => word);
}

describe("mirror", () => {
  it("has the commands of the README's table, and no other", () => {
    const section = sectionOf(readme, "Mirroring over an air gap");
    const cells = [...section.matchAll(/^\| (`mirror .*?`) \|/gm)].map(([, cell = ""]) => cell);
    const listed = cells.flatMap((cell) => words(cell, /`mirror ([a-z]+)`/g));
    expect(listed.sort()).toEqual(commands.map((command) => command.name()).sort());
  });

  it("has the options of the table in docs/mirror.md where that says, and besides those of all commands", () => {
    const section = sectionOf(manual, "Options");
    const rows = [...section.matchAll(/^\| (`--.*?) \| (.*?) \|/gm)];
    const listed = rows.flatMap(([, options = "", names = ""]) =>
      words(options, /`(--[a-z-]+)/g).map((option) => [option, words(names, /`([a-z]+)`/g).sort()] as const),
    );
    expect(listed.length).toBeGreaterThan(10);
    for (const [option, names] of listed) {
      const having = commands.filter((command) => optionsOf(command).includes(option));
      expect(having.map((command) => command.name()).sort(), option).toEqual(names);
    }
    const common = words(sectionOf(readme, "Options"), /`(--[a-z-]+)/g);
    const known = new Set([...listed.map(([option]) => option), ...common]);
    for (const option of commands.flatMap(optionsOf)) expect(known, option).toContain(option);
  });

  it.each(commands.map((command) => [command.name(), command] as const))(
    "groups the options of %s, and breaks no line of its description in a sentence",
    (_, command) => {
      const groups = command.options.map((option) => option.helpGroupHeading);
      expect(groups).not.toContain(undefined);
      expect(command.description()).toMatch(/^[A-Z][^\n]*\.$/);
    },
  );

  test.each([
    ["save -f - --split 4GB oci:images", /cannot be split/, "Parts are made of oci-archive:FILE"],
    ["save -f - images.tar", /images\.tar is a registry/, "A file is written oci-archive:images.tar"],
    [
      "load images.tar registry.example",
      /images\.tar is a registry/,
      "A file is written oci-archive:images.tar",
    ],
    ["diff -f - --lock a.json registry.example", /only --locked reads/, "Add --locked"],
    ["verify --lock a.json registry.example", /only --locked reads/, "Add --locked"],
    ["config -f - --format hosts.toml oci:images", /machines pull from a registry/, "Name the registry"],
  ])("refuses %s", async (line, message, hint) => {
    await expect(
      makeProgram().parseAsync(["mirror", ...line.split(" ")], { from: "user" }),
    ).rejects.toMatchObject({
      code: "USAGE",
      message: expect.stringMatching(message),
      hint: expect.stringContaining(hint),
    });
  });

  test.each(["diff -f - --no-lock", "load --have a.json", "sync -f - --split 4GB", "inventory --json"])(
    "has no %s",
    async (line) => {
      const args = ["mirror", ...line.split(" "), "oci:a"];
      await expect(makeProgram().parseAsync(args, { from: "user" })).rejects.toThrow(/unknown option/);
    },
  );
});
