import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { withMinimumProgress } from "../../src/io/minimum-progress.ts";

const stalled = (): Error => new Error("stalled");

/** Gives a byte every few milliseconds, for ever. */
function trickle(): Readable {
  let timer: NodeJS.Timeout | undefined;
  return new Readable({
    read() {
      timer = setTimeout(() => this.push("x"), 10);
    },
    destroy(error, done) {
      clearTimeout(timer);
      done(error);
    },
  });
}

async function lengthOf(content: AsyncIterable<Uint8Array>): Promise<number> {
  let length = 0;
  for await (const chunk of content) length += chunk.byteLength;
  return length;
}

test("a stream that brings a byte now and then is given up, and destroyed", async () => {
  const stream = trickle();
  const content = withMinimumProgress(stream, { timeoutMs: 100, bytes: 1_000_000, stalled });
  await expect(lengthOf(content)).rejects.toThrow("stalled");
  expect(stream.destroyed).toBe(true);
});

test("a stream that brings enough goes on, however long it takes", async () => {
  let chunks = 0;
  for await (const _ of withMinimumProgress(trickle(), { timeoutMs: 200, bytes: 1, stalled })) {
    chunks += 1;
    if (chunks === 40) break;
  }
  expect(chunks).toBe(40);
});

test("the reader's own time does not count", async () => {
  const stream = Readable.from([Buffer.from("a"), Buffer.from("b"), Buffer.from("c")]);
  let chunks = 0;
  for await (const _ of withMinimumProgress(stream, { timeoutMs: 100, bytes: 1_000, stalled })) {
    await new Promise((resolve) => setTimeout(resolve, 150));
    chunks += 1;
  }
  expect(chunks).toBe(3);
});

test("leaving early destroys the stream, and what the stream throws is thrown", async () => {
  const left = trickle();
  for await (const _ of withMinimumProgress(left, { timeoutMs: 1_000, stalled })) break;
  expect(left.destroyed).toBe(true);
  const broken = new Readable({ read() {} });
  const reading = lengthOf(withMinimumProgress(broken, { timeoutMs: 1_000, stalled }));
  broken.destroy(new Error("broken"));
  await expect(reading).rejects.toThrow("broken");
});
