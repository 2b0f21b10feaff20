import { describe, expect, test } from "vitest";
import { LastBytes } from "../../src/io/last-bytes.ts";

/** What can be had from an offset to the end. */
function read(bytes: LastBytes, offset: number): string {
  let text = "";
  while (offset + text.length < bytes.end) text += Buffer.from(bytes.from(offset + text.length)).toString();
  return text;
}

describe("the last bytes of some content", () => {
  test.each([
    ["fewer than are kept", ["01", "2"], 0, "012"],
    ["as many as are kept", ["01", "234"], 0, "01234"],
    ["more, added one by one", [..."0123456789"], 5, "56789"],
    ["more, over the ring's end", ["0123", "456", "78"], 4, "45678"],
    ["more at once than are kept", ["012", "3456789abc", "d"], 9, "9abcd"],
  ])("are there when there are %s", (_, added, start, kept) => {
    const bytes = new LastBytes(5);
    for (const text of added) bytes.add(Buffer.from(text));
    expect(bytes.start).toBe(start);
    for (let i = 0; i < kept.length; i += 1) expect(read(bytes, start + i)).toBe(kept.slice(i));
  });

  test("are copies, which later ones do not change", () => {
    const bytes = new LastBytes(4);
    bytes.add(Buffer.from("abcd"));
    const copy = bytes.from(0);
    bytes.add(Buffer.from("efgh"));
    bytes.release();
    expect(Buffer.from(copy).toString()).toBe("abcd");
    expect([bytes.start, bytes.end]).toEqual([0, 0]);
  });
});
