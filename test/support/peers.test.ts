import { expect, test } from "vitest";
import type { ImageDifference } from "./image-diff.ts";
import { explain, type PeerRow } from "./peers.ts";

const row: PeerRow = {
  id: "rounded",
  peer: "other",
  version: "1",
  row: "times are kept",
  ours: "kept",
  theirs: "rounded",
  difference: { attribute: "mtime", relation: "theirs is the nearest second" },
  cases: ["times"],
};

const difference = (
  attribute: ImageDifference["attribute"],
  theirs: string,
  ours: string,
): ImageDifference => ({
  path: "a",
  attribute,
  type: "file",
  theirs,
  ours,
});

const rounded = difference("mtime", "2.000000000", "1.500000000");

test("a listed difference is accounted for, in the cases that the row names and no other", () => {
  expect(explain("times", [rounded], [row], 0n)).toEqual({ unlisted: [], occurred: ["rounded"] });
  expect(explain("others", [rounded], [row], 0n)).toEqual({ unlisted: [rounded], occurred: [] });
});

test("a difference of another kind or size is not accounted for", () => {
  const others = [
    difference("mtime", "3.000000000", "1.500000000"),
    difference("mtime", "1.600000000", "1.500000000"),
    difference("mode", "0755", "0700"),
  ];
  expect(explain("times", others, [row], 0n)).toEqual({ unlisted: others, occurred: [] });
});

test("the time of the build is no earlier than the second it began in", () => {
  const clock: PeerRow = {
    ...row,
    difference: { attribute: "mtime", relation: "theirs is the time of the build" },
  };
  const before = difference("mtime", "1699999999.000000000", "5.000000000");
  const during = difference("mtime", "1700000000.000000000", "5.000000000");
  expect(explain("times", [before, during], [clock], 1_700_000_000_500_000_000n).unlisted).toEqual([before]);
});

test("a pattern has to match the whole of a path", () => {
  const mode: PeerRow = { ...row, difference: { attribute: "mode", path: "srv/a(/b)?" } };
  const inside = { ...difference("mode", "0755", "0700"), path: "srv/a/b" };
  const beyond = { ...inside, path: "srv/a/bc" };
  expect(explain("times", [inside, beyond], [mode], 0n).unlisted).toEqual([beyond]);
});
