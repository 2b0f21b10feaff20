import { describe, expect, test } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { collect } from "../../src/io/collect.ts";
import { RewindableContent } from "../../src/io/rewindable.ts";

/** Content of the digits, one a chunk, that counts how often it was opened and left. */
function digits(count = 10) {
  const seen = { opened: 0, left: 0, given: 0 };
  const open = async () => {
    seen.opened += 1;
    return (async function* () {
      try {
        for (let i = 0; i < count; i += 1) {
          seen.given += 1;
          yield Buffer.from(String(i % 10));
        }
      } finally {
        seen.left += 1;
      }
    })();
  };
  return { open, seen };
}

const read = async (content: RewindableContent, from: number) =>
  (await collect(content.from(from, unstoppable), 1000, "digits")).toString();

async function take(content: RewindableContent, from: number, count: number): Promise<string> {
  let text = "";
  for await (const chunk of content.from(from, unstoppable)) {
    text += Buffer.from(chunk).toString();
    if (text.length >= count) break;
  }
  return text;
}

describe("content that is read by one reader after another", () => {
  test("is opened once as long as nobody goes back further than is kept", async () => {
    const { open, seen } = digits();
    const content = new RewindableContent(open, 3);
    expect(await take(content, 0, 6)).toBe("012345");
    expect(await take(content, 3, 4)).toBe("3456");
    expect(await read(content, 6)).toBe("6789");
    expect(await read(content, 7)).toBe("789");
    expect(seen.opened).toBe(1);
  });

  test("is opened once more for going back further, and read no further than to what is kept", async () => {
    const { open, seen } = digits();
    const content = new RewindableContent(open, 3);
    expect(await take(content, 0, 6)).toBe("012345");
    expect(await take(content, 1, 1)).toBe("1");
    expect(seen).toEqual({ opened: 2, left: 1, given: 6 + 2 });
    expect(await read(content, 0)).toBe("0123456789");
    expect(seen).toEqual({ opened: 3, left: 3, given: 6 + 2 + 3 + 4 });
  });

  test("is given in chunks that are larger than what is kept", async () => {
    const { open, seen } = digits();
    const whole = async () => {
      const chunk = await collect(await open(), 1000, "digits");
      return (async function* () {
        yield chunk;
      })();
    };
    const content = new RewindableContent(whole, 3);
    expect(await take(content, 0, 1)).toBe("0123456789");
    expect(await read(content, 4)).toBe("456789");
    expect(seen.opened).toBe(1);
  });

  test("that is shorter when it is opened again fails", async () => {
    let count = 10;
    const content = new RewindableContent(() => digits(count).open(), 3);
    await take(content, 0, 6);
    count = 2;
    await expect(read(content, 0)).rejects.toThrow("content that had 6 bytes has 2 when it is opened again");
  });

  test("can be begun ahead of what was read, and behind its end", async () => {
    const content = new RewindableContent(digits().open, 1);
    expect(await read(content, 8)).toBe("89");
    expect(await read(content, 10)).toBe("");
  });

  test("loses nothing when a reader is left while it waits", async () => {
    let release = (): void => {};
    const waiting = new Promise<void>((resolve) => {
      release = resolve;
    });
    const content = new RewindableContent(async () => {
      return (async function* () {
        yield Buffer.from("a");
        await waiting;
        yield Buffer.from("b");
      })();
    }, 1);
    const first = content.from(0, unstoppable);
    await first.next();
    const pending = first.next();
    const left = first.return(undefined);
    const second = read(content, 1);
    release();
    expect(await second).toBe("b");
    await Promise.all([pending, left]);
  });

  test("throws what the content throws", async () => {
    const failure = new Error("broken");
    const content = new RewindableContent(async () => {
      return (async function* () {
        yield Buffer.from("a");
        throw failure;
      })();
    }, 1);
    await expect(read(content, 0)).rejects.toBe(failure);
  });

  test("is released when it is closed, also while it is being opened", async () => {
    const { open, seen } = digits();
    const content = new RewindableContent(open, 1);
    await take(content, 0, 1);
    content.close();
    await expect.poll(() => seen.left).toBe(1);

    let opened = (): void => {};
    const slow = digits();
    const late = new RewindableContent(async () => {
      await new Promise<void>((resolve) => {
        opened = resolve;
      });
      const inner = await slow.open();
      return {
        [Symbol.asyncIterator]: () => ({
          next: () => inner.next(),
          return: async () => {
            slow.seen.left += 1;
            return { done: true, value: undefined };
          },
        }),
      };
    }, 1);
    const reading = read(late, 0);
    late.close();
    opened();
    await reading;
    expect(slow.seen).toMatchObject({ opened: 1, left: 1 });
  });
});
