import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDigest } from "../../src/model/digest.ts";
import { inShard, parseShard, startingAt } from "../../src/plan/shard.ts";

const digest = parseDigest(`sha256:${"0".repeat(64)}`);

describe("shares of the work", () => {
  it.each([
    ["1/1", undefined, { number: 1, count: 1 }],
    ["3/8", "5", { number: 3, count: 8 }],
    ["8/8", undefined, { number: 8, count: 8 }],
    ["auto/8", "0", { number: 1, count: 8 }],
    ["auto/8", "7", { number: 8, count: 8 }],
  ])("are written %s, with the index %j", (text, index, shard) => {
    expect(parseShard(text, index)).toEqual(shard);
  });

  it.each([
    ["", undefined, "--shard  is not a share", "3/8"],
    ["3", undefined, "--shard 3 is not a share", "auto/8"],
    ["3/", undefined, "is not a share", "3/8"],
    ["/8", "0", "is not a share", "auto/8"],
    ["a/b", undefined, "is not a share", "3/8"],
    ["1.5/8", undefined, "is not a share", "3/8"],
    ["-1/8", undefined, "is not a share", "3/8"],
    ["0/8", undefined, "there is no share 0 of 8", "from 1 to 8"],
    ["9/8", undefined, "there is no share 9 of 8", "from 1 to 8"],
    ["1/0", undefined, "0 is not a number of shares", "At least 1"],
    ["1/100001", undefined, "is not a number of shares", "100000"],
    ["auto/8", undefined, "JOB_COMPLETION_INDEX is not set", "completionMode: Indexed"],
    ["auto/8", "", "JOB_COMPLETION_INDEX is not set", "--shard 1/8"],
    ["auto/8", "8", 'JOB_COMPLETION_INDEX is "8"', "from 0 to 7"],
    ["auto/8", "-1", 'JOB_COMPLETION_INDEX is "-1"', "from 0 to 7"],
    ["auto/8", "one", 'JOB_COMPLETION_INDEX is "one"', "from 0 to 7"],
  ])("are not written %j with the index %j", (text, index, message, hint) => {
    expect(() => parseShard(text, index)).toThrow(
      expect.objectContaining({
        code: "USAGE",
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      }),
    );
  });

  it("have each image in exactly one of them", () => {
    const image = fc.record({
      target: fc.stringMatching(/^[a-z]{1,8}$/),
      tag: fc.option(fc.stringMatching(/^\w[\w.-]{0,8}$/), { nil: undefined }),
    });
    fc.assert(
      fc.property(image, fc.integer({ min: 1, max: 40 }), ({ target, tag }, count) => {
        const shares = Array.from({ length: count }, (_, i) => ({ number: i + 1, count }));
        expect(shares.filter((shard) => inShard({ target, tag, digest }, shard))).toHaveLength(1);
      }),
    );
  });

  it("have an image by its name, whatever its tag stands for", () => {
    const other = parseDigest(`sha256:${"1".repeat(64)}`);
    for (const number of [1, 2, 3, 4, 5]) {
      const shard = { number, count: 5 };
      const image = { target: "app", tag: "1", digest };
      expect(inShard({ ...image, digest: other }, shard)).toBe(inShard(image, shard));
    }
  });

  it("are the same in every release: workers of two may run beside each other", () => {
    const of = (tag: string) =>
      [1, 2, 3, 4, 5, 6, 7, 8].find((number) =>
        inShard({ target: "library/debian", tag, digest }, { number, count: 8 }),
      );
    expect(["bookworm", "trixie", "12", "13"].map(of)).toEqual([6, 6, 2, 1]);
  });

  it("are of about the same size", () => {
    const tags = Array.from({ length: 1000 }, (_, i) => `1.${i}`);
    for (const number of [1, 2, 3, 4]) {
      const share = tags.filter((tag) => inShard({ target: "app", tag, digest }, { number, count: 4 }));
      expect(share.length).toBeGreaterThan(180);
      expect(share.length).toBeLessThan(320);
    }
  });

  it("begin apart, and all go through everything in the same circle", () => {
    const items = ["a", "b", "c", "d", "e"];
    const starts = [1, 2, 3].map((number) => startingAt({ number, count: 3 }, items).join(""));
    expect(starts).toEqual(["abcde", "bcdea", "deabc"]);
    expect(startingAt({ number: 8, count: 8 }, ["a"])).toEqual(["a"]);
    expect(startingAt({ number: 8, count: 8 }, [])).toEqual([]);
  });
});
