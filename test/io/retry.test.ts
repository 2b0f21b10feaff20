import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import {
  isTransientStatus,
  parseRetryAfter,
  Retries,
  Retryable,
  type RetryNotice,
  type RetryPolicy,
  retry,
  retryDelayMs,
} from "../../src/io/retry.ts";

const policy: RetryPolicy = { retries: 3, baseDelayMs: 1, random: () => 0 };

function failing(times: number, fault: (n: number) => Error) {
  let attempts = 0;
  return {
    attempt: async () => {
      attempts += 1;
      if (attempts <= times) throw fault(attempts);
      return attempts;
    },
    attempts: () => attempts,
  };
}

describe("retry", () => {
  test("an attempt that succeeds is not repeated and not announced", async () => {
    const notices: RetryNotice[] = [];
    const work = failing(0, () => new Error("never"));
    expect(await retry(work.attempt, new Retries(policy, (n) => notices.push(n)), unstoppable)).toBe(1);
    expect(notices).toEqual([]);
  });

  test("retryable faults are repeated until one succeeds, each announced with its reason", async () => {
    const notices: RetryNotice[] = [];
    const work = failing(2, (n) => new Retryable(new Error("no"), `fault ${n}`));
    expect(await retry(work.attempt, new Retries(policy, (n) => notices.push(n)), unstoppable)).toBe(3);
    expect(notices).toEqual([
      { attempt: 1, delayMs: 0, reason: "fault 1" },
      { attempt: 2, delayMs: 0, reason: "fault 2" },
    ]);
  });

  test("when no retry is left the fault's own error is thrown, not its wrapper", async () => {
    const error = new Error("the last word");
    const work = failing(99, () => new Retryable(error, "again"));
    await expect(retry(work.attempt, new Retries(policy, () => {}), unstoppable)).rejects.toBe(error);
    expect(work.attempts()).toBe(4);
  });

  test("any other error is thrown at once", async () => {
    const error = new Error("no use");
    const work = failing(99, () => error);
    await expect(retry(work.attempt, new Retries(policy, () => {}), unstoppable)).rejects.toBe(error);
    expect(work.attempts()).toBe(1);
  });

  test("a fault may allow fewer retries than the policy", async () => {
    const work = failing(99, () => new Retryable(new Error("no"), "again", { limit: 1 }));
    await expect(retry(work.attempt, new Retries(policy, () => {}), unstoppable)).rejects.toThrow("no");
    expect(work.attempts()).toBe(2);
  });

  test("renewed retries are all there again", async () => {
    const retries = new Retries({ ...policy, retries: 1 }, () => {});
    const fault = new Retryable(new Error("no"), "again");
    await retries.take(fault, unstoppable);
    retries.renew();
    await retries.take(fault, unstoppable);
    await expect(retries.take(fault, unstoppable)).rejects.toBe(fault.error);
  });

  test("an abort ends the waiting with the abort's reason", async () => {
    const controller = new AbortController();
    const reason = new Error("interrupted");
    const retries = new Retries({ retries: 3 }, () => controller.abort(reason));
    const work = failing(99, () => new Retryable(new Error("no"), "again", { afterMs: 30_000 }));
    await expect(retry(work.attempt, retries, { signal: controller.signal })).rejects.toBe(reason);
    expect(work.attempts()).toBe(1);
  });
});

describe("the delay before a retry", () => {
  test("five retries of the default policy wait 6.2 seconds at the most", () => {
    const delays = [0, 1, 2, 3, 4].map((used) =>
      retryDelayMs({ retries: 5, random: () => 1 }, used, undefined),
    );
    expect(delays).toEqual([200, 400, 800, 1600, 3200]);
  });

  test("never leaves the bounds of the backoff and of Retry-After", () => {
    fc.assert(
      fc.property(
        fc.nat(60),
        fc.option(fc.nat(1_000_000), { nil: undefined }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (used, afterMs, share) => {
          const delay = retryDelayMs({ retries: 5, random: () => share }, used, afterMs);
          expect(delay).toBeGreaterThanOrEqual(Math.min(afterMs ?? 0, 60_000));
          expect(delay).toBeLessThanOrEqual(Math.max(10_000, Math.min(afterMs ?? 0, 60_000)));
        },
      ),
    );
  });
});

describe("Retry-After", () => {
  const now = Date.UTC(2026, 0, 1, 12, 0, 0);
  test.each([
    ["7", 7000],
    [" 0 ", 0],
    ["Thu, 01 Jan 2026 12:00:09 GMT", 9000],
    ["Thu, 01 Jan 2026 11:00:00 GMT", undefined],
    ["-1", undefined],
    ["1.5", undefined],
    ["soon", undefined],
    [undefined, undefined],
  ])("%j is %j milliseconds", (value, expected) => {
    expect(parseRetryAfter(value, now)).toBe(expected);
  });
});

test("408, 429, 499, 522 and the other 5xx may heal, other statuses not", () => {
  const transient = [408, 429, 499, 500, 502, 503, 504, 522];
  const final = [200, 206, 301, 400, 401, 403, 404, 405, 413, 416, 600];
  expect(transient.filter(isTransientStatus)).toEqual(transient);
  expect(final.filter(isTransientStatus)).toEqual([]);
});
