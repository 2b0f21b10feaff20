import { describe, expect, it } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { collect } from "../../src/io/collect.ts";
import { describeBytes } from "../../src/model/descriptor.ts";
import { ComposeImageError, type ErrorCode } from "../../src/model/errors.ts";
import { ForecastTarget } from "../../src/ops/copy-forecast.ts";
import { blobOfBytes, type ImageBlob } from "../../src/ops/push-image.ts";
import { SharedDeliveries } from "../../src/ops/shared-deliveries.ts";
import type { Target } from "../../src/store/target.ts";

const bytes = Buffer.from("content");
const descriptor = describeBytes("application/octet-stream", bytes);
const blob: ImageBlob = blobOfBytes(descriptor, bytes);

/** A repository of a registry that gives its blob, or fails to. */
function repository(name: string, code?: ErrorCode): Target {
  const target = new ForecastTarget(name, undefined);
  return Object.assign(target, {
    mountOrigin: { registry: "far", repository: name },
    fetch: async () => {
      if (code !== undefined) throw new ComposeImageError(code, `target ${name}: no`);
      return (async function* () {
        yield Buffer.from(`from ${name}`);
      })();
    },
  });
}

/** Brings that wait until the test lets them end, in the order in which they began. */
class Brings {
  readonly begun: ImageBlob[] = [];
  readonly #ends: PromiseWithResolvers<void>[] = [];

  readonly bring = (from: ImageBlob): Promise<void> => {
    const end = Promise.withResolvers<void>();
    this.begun.push(from);
    this.#ends.push(end);
    return end.promise;
  };

  end(i: number, error?: Error): void {
    if (error === undefined) this.#ends[i]?.resolve();
    else this.#ends[i]?.reject(error);
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const textOf = async ({ open }: ImageBlob): Promise<string> =>
  (await collect(await open(unstoppable), 100, "blob")).toString();

describe("what several want at the same time", () => {
  it("is brought by the first, and taken from there by the others, one after the other", async () => {
    const deliveries = new SharedDeliveries(false);
    const brings = new Brings();
    const all = ["a", "b", "c"].map((name) =>
      deliveries.deliver(blob, repository(name), brings.bring, unstoppable),
    );
    await settled();
    expect(brings.begun).toEqual([blob]);
    for (const i of [0, 1, 2]) {
      brings.end(i);
      await settled();
    }
    await Promise.all(all);
    expect(brings.begun.map(({ mountFrom }) => mountFrom?.repository)).toEqual([undefined, "a", "a"]);
    expect(await Promise.all(brings.begun.map(textOf))).toEqual(["content", "from a", "from a"]);
  });

  it("is brought by the next one when the first fails, from the source", async () => {
    const deliveries = new SharedDeliveries(false);
    const brings = new Brings();
    const [first, second] = ["a", "b"].map((name) =>
      deliveries.deliver(blob, repository(name), brings.bring, unstoppable),
    );
    const fault = new Error("cut off");
    brings.end(0, fault);
    await expect(first).rejects.toBe(fault);
    await settled();
    expect(brings.begun).toEqual([blob, blob]);
    brings.end(1);
    await second;
  });

  it("is not waited for by who is told to stop", async () => {
    const deliveries = new SharedDeliveries(false);
    const brings = new Brings();
    const stop = new AbortController();
    const first = deliveries.deliver(blob, repository("a"), brings.bring, unstoppable);
    const second = deliveries.deliver(blob, repository("b"), brings.bring, { signal: stop.signal });
    const reason = new Error("stop");
    stop.abort(reason);
    await expect(second).rejects.toBe(reason);
    brings.end(0);
    await first;
    expect(brings.begun).toHaveLength(1);
  });
});

it("what a repository has got is not brought to it again, and to none where they share their content", async () => {
  for (const sharesContent of [false, true]) {
    const deliveries = new SharedDeliveries(sharesContent);
    let count = 0;
    const bring = async (): Promise<void> => {
      count += 1;
    };
    for (const name of ["a", "a", "b", "a"])
      await deliveries.deliver(blob, repository(name), bring, unstoppable);
    expect(count).toBe(sharesContent ? 1 : 2);
  }
});

it.each([
  ["BLOB_NOT_FOUND", "content"],
  ["DENIED", "content"],
  ["NETWORK", undefined],
] as const)("what a holder refuses with %s comes from the source, or fails", async (code, text) => {
  const deliveries = new SharedDeliveries(false, new Map([[descriptor.digest, repository("holder", code)]]));
  const taken: ImageBlob[] = [];
  const bring = async (from: ImageBlob): Promise<void> => {
    taken.push(from);
  };
  await deliveries.deliver(blob, repository("a"), bring, unstoppable);
  const read = textOf(taken[0] ?? blob);
  if (text === undefined) await expect(read).rejects.toMatchObject({ code });
  else expect(await read).toBe(text);
});

it("a blob that the source lacks as well fails with the holder's reason", async () => {
  const holders = new Map([[descriptor.digest, repository("holder", "DENIED")]]);
  const lacking: ImageBlob = {
    ...blob,
    open: async () => {
      throw new ComposeImageError("BLOB_NOT_FOUND", "source: no");
    },
  };
  const bring = async (from: ImageBlob): Promise<void> => {
    await textOf(from);
  };
  const delivery = new SharedDeliveries(false, holders).deliver(lacking, repository("a"), bring, unstoppable);
  await expect(delivery).rejects.toMatchObject({ code: "DENIED" });
});
