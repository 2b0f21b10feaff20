import { expect, test } from "vitest";
import { parseJournal } from "../../../src/store/archive/draft-journal.ts";

const digest = `sha256:${"a".repeat(64)}`;
const head = '{"format":1,"partSize":null}';
const place = (start: number, size: number) => JSON.stringify({ start, size, digest });

test("a journal says where blobs are, and how far the last word on each is", () => {
  const lines = [
    head,
    place(9000, 5),
    place(512, 4000),
    '{"start":512,"written":4000}',
    '{"start":512,"written":3000}',
  ];
  expect(parseJournal(`${lines.join("\n")}\n`)).toEqual({
    partSize: undefined,
    blobs: [
      { start: 512, size: 4000, digest, written: 3000 },
      { start: 9000, size: 5, digest, written: 0 },
    ],
  });
  expect(parseJournal('{"format":1,"partSize":4000}\n')).toEqual({ partSize: 4000, blobs: [] });
});

test.each([
  ["a torn line", '{"start":512,"wri'],
  ["a torn line that was gone on from", '{"start":512,"wri\n\n'],
  ["zeros", "\0\0\0\0\n"],
  ["a place without a digest", '{"start":2048,"size":7}\n'],
  ["a digest that is none", '{"start":2048,"size":7,"digest":"sha256:x"}\n'],
  ["what is written at no place", '{"start":1,"written":7}\n'],
  ["more than the blob has", '{"start":512,"written":101}\n'],
  ["negative numbers", '{"start":-1,"size":1,"digest":"x"}\n{"start":512,"written":-1}\n'],
  ["a list", "[1]\n"],
])("%s is passed over", (_, text) => {
  const known = { start: 512, size: 100, digest, written: 40 };
  const before = `${head}\n${place(512, 100)}\n{"start":512,"written":40}\n`;
  expect(parseJournal(before + text)?.blobs).toEqual([known]);
});

test("a place that is given to another blob has nothing of it yet", () => {
  const text = [head, place(512, 100), '{"start":512,"written":40}', place(512, 200)].join("\n");
  expect(parseJournal(text)?.blobs).toEqual([{ start: 512, size: 200, digest, written: 0 }]);
});

test.each(["", "\n", '{"format":2,"partSize":null}', '{"format":1}', '{"format":1,"partSize":"1"}', "null"])(
  "%j is no journal",
  (text) => {
    expect(parseJournal(text)).toBeUndefined();
  },
);
