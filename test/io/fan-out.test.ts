import { describe, expect, it } from "vitest";
import { collect } from "../../src/io/collect.ts";
import { fanOut } from "../../src/io/fan-out.ts";

async function* chunks(count: number, log: string[] = []) {
  for (let i = 0; i < count; i++) {
    log.push(`made ${i}`);
    yield Buffer.from([i]);
  }
}

describe("fanning content out", () => {
  it("gives the reader and every sink all the chunks", async () => {
    const got: number[][] = [];
    const sink = async (content: AsyncIterable<Uint8Array>) => {
      got.push([...(await collect(content, 100, "sink"))]);
    };
    const passed = [...(await collect(fanOut(chunks(5), [sink, sink]), 100, "reader"))];
    expect([passed, ...got]).toEqual(Array(3).fill([0, 1, 2, 3, 4]));
  });

  it("goes at the pace of the slowest sink", async () => {
    const log: string[] = [];
    const slow = async (content: AsyncIterable<Uint8Array>) => {
      for await (const [byte] of content) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        log.push(`took ${byte}`);
      }
    };
    await collect(fanOut(chunks(3, log), [slow]), 100, "reader");
    expect(log).toEqual(["made 0", "took 0", "made 1", "took 1", "made 2", "took 2"]);
  });

  it("fails with a sink that fails", async () => {
    const failing = async (content: AsyncIterable<Uint8Array>) => {
      for await (const _ of content) throw new Error("sink broke");
    };
    await expect(collect(fanOut(chunks(3), [failing]), 100, "reader")).rejects.toThrow("sink broke");
  });

  it("fails with a sink that fails only at the end", async () => {
    const failing = async (content: AsyncIterable<Uint8Array>) => {
      await collect(content, 100, "sink");
      throw new Error("refused in the end");
    };
    await expect(collect(fanOut(chunks(3), [failing]), 100, "reader")).rejects.toThrow("refused in the end");
  });

  it("lets a sink end early without fault", async () => {
    const passed = await collect(fanOut(chunks(3), [async () => {}]), 100, "reader");
    expect([...passed]).toEqual([0, 1, 2]);
  });

  it("makes sinks fail when the content fails", async () => {
    let seen: unknown;
    async function* broken() {
      yield Buffer.from([1]);
      throw new Error("cut off");
    }
    const sink = async (content: AsyncIterable<Uint8Array>) => {
      await collect(content, 100, "sink").catch((error: unknown) => {
        seen = error;
      });
    };
    await expect(collect(fanOut(broken(), [sink]), 100, "reader")).rejects.toThrow("cut off");
    expect(seen).toMatchObject({ message: "cut off" });
  });

  it("makes sinks fail when the reader leaves early", async () => {
    let seen: unknown;
    const sink = async (content: AsyncIterable<Uint8Array>) => {
      await collect(content, 100, "sink").catch((error: unknown) => {
        seen = error;
      });
    };
    for await (const _ of fanOut(chunks(3), [sink])) break;
    expect(seen).toMatchObject({ message: "the content was left before its end" });
  });
});
