import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChunkCursor } from "../../src/io/chunk-cursor.ts";
import { failingAfter, inChunks, WatchedContent } from "../codec/chunking.ts";

const alphabet = Buffer.from("abcdefghijklmnopqrstuvwxyz");

describe("a chunk cursor", () => {
  it("gives the bytes in order and counts them, whatever is asked for and however they are cut", async () => {
    const step = fc.record({
      act: fc.constantFrom("require", "skip", "pull", "ahead"),
      count: fc.nat(9),
    } as const);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(7), { minLength: 1, maxLength: 5 }),
        fc.array(step, { maxLength: 20 }),
        async (sizes, steps) => {
          const cursor = new ChunkCursor(inChunks(alphabet, ...sizes));
          let at = 0;
          for (const { act, count } of steps) {
            const left = alphabet.byteLength - at;
            if (act === "ahead") cursor.readAhead();
            else if (act === "pull") expect(await cursor.pull()).toBe(left > 0);
            else if (act === "skip") {
              expect(await cursor.skip(count)).toBe(Math.min(count, left));
              at += Math.min(count, left);
            } else {
              expect(await cursor.require(count)).toBe(left >= count);
              const taken = Math.min(count, cursor.available);
              expect(taken).toBe(Math.min(count, left));
              expect(cursor.peek().subarray(0, taken)).toEqual(alphabet.subarray(at, at + taken));
              expect(cursor.take(taken)).toEqual(alphabet.subarray(at, at + taken));
              at += taken;
            }
            expect(cursor.position).toBe(at);
          }
          await cursor.drain();
          expect(cursor.position).toBe(alphabet.byteLength);
        },
      ),
    );
  });

  it("copies nothing that lies within one chunk", async () => {
    const cursor = new ChunkCursor(inChunks(alphabet, 13));
    await cursor.require(5);
    expect(cursor.take(5).buffer).toBe(alphabet.buffer);
  });

  it("releases the content when it is closed, also with a chunk asked for ahead, but not after its end", async () => {
    const open = new WatchedContent(inChunks(alphabet, 3));
    const cursor = new ChunkCursor(open);
    await cursor.pull();
    cursor.readAhead();
    await cursor.close();
    expect(open.state).toBe("released");
    expect(open.pulled).toBe(2);
    const whole = new WatchedContent(inChunks(alphabet, 3));
    const drained = new ChunkCursor(whole);
    await drained.drain();
    await drained.close();
    expect(whole.state).toBe("ended");
  });

  it("throws what the content throws, once asked for, and then is at the end", async () => {
    const fault = new Error("the line went dead");
    const cursor = new ChunkCursor(failingAfter(inChunks(alphabet), fault));
    await cursor.pull();
    cursor.readAhead();
    await new Promise(setImmediate);
    expect(cursor.take(26)).toEqual(alphabet);
    await expect(cursor.pull()).rejects.toBe(fault);
    expect(await cursor.pull()).toBe(false);
  });

  it("refuses to be waited for by two at a time", async () => {
    const cursor = new ChunkCursor(inChunks(alphabet));
    const first = cursor.pull();
    await expect(cursor.pull()).rejects.toMatchObject({ code: "INTERNAL" });
    expect(await first).toBe(true);
  });
});
