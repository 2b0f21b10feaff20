import { expect, test } from "vitest";
import { outlasting } from "../../src/io/outlasting.ts";

test("work that ends soon after the abort gives its result", async () => {
  const controller = new AbortController();
  const result = outlasting(controller, 60_000, async () => {
    controller.abort();
    await new Promise((resolve) => setImmediate(resolve));
    return "done";
  });
  expect(await result).toBe("done");
});

test("work that goes on for too long is aborted with the reason", async () => {
  const controller = new AbortController();
  const result = outlasting(
    controller,
    1,
    (inner) =>
      new Promise((_, reject) => {
        inner.signal.addEventListener("abort", () => reject(inner.signal.reason));
        controller.abort(new Error("stopped"));
      }),
  );
  await expect(result).rejects.toThrow("stopped");
});

test("work is not begun for a call that is aborted already", async () => {
  let begun = false;
  const call = { signal: AbortSignal.abort(new Error("stopped")) };
  const result = outlasting(call, 60_000, async () => {
    begun = true;
  });
  await expect(result).rejects.toThrow("stopped");
  expect(begun).toBe(false);
});
