import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveProgress } from "../../src/cli/progress/live-progress.ts";
import { plainProgress } from "../../src/cli/progress/plain-progress.ts";
import { startProgress } from "../../src/cli/progress/start-progress.ts";
import { ActiveTransfers } from "../../src/cli/progress/transfers.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import type { TransferEvent, TransferListener } from "../../src/io/transfer.ts";
import { parseDigest } from "../../src/model/digest.ts";

const descriptor = {
  mediaType: "application/x",
  digest: parseDigest(`sha256:0123456789abcdef${"0".repeat(48)}`),
  size: 2_000_000,
};
const about = { store: "r.example/app", descriptor } as const;
const download = { direction: "download", ...about } as const;
const upload = { direction: "upload", ...about } as const;

const everything: TransferEvent[] = [
  { kind: "started", ...download },
  { kind: "progress", ...download, bytes: 500_000 },
  { kind: "progress", ...download, bytes: 1_500_000 },
  { kind: "finished", ...download },
  { kind: "started", ...upload },
  { kind: "failed", ...upload },
  { kind: "started", ...upload },
  { kind: "progress", ...upload, bytes: 2_000_000 },
  { kind: "finished", ...upload },
  { kind: "mounted", ...about, from: "team/base" },
  { kind: "present", ...about },
  { kind: "retry", store: "r.example", what: "GET x", attempt: 2, delayMs: 1500, reason: "503" },
  { kind: "request", store: "r.example", method: "GET", url: "https://r.example/v2/", status: 200, ms: 12.4 },
  { kind: "warning", store: "layers", message: "something is odd" },
];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("progress for logs", () => {
  const linesOf = (isVerbose: boolean): string[] => {
    const lines: string[] = [];
    const listener = plainProgress((text) => lines.push(text), isVerbose);
    for (const event of everything) listener(event);
    return lines;
  };

  it("is one line for each blob when it has moved, and for all that is news", () => {
    expect(linesOf(false)).toEqual([
      "read 0123456789ab from r.example/app: 2.0 MB in 0.0 s\n",
      "sent 0123456789ab to r.example/app: 2.0 MB in 0.0 s\n",
      "mounted 0123456789ab from team/base at r.example/app: 2.0 MB not sent\n",
      "found 0123456789ab at r.example/app: 2.0 MB not sent\n",
      "retry 2 of GET x in 1.5 s: 503\n",
      "warning: something is odd\n",
    ]);
  });

  it("has requests when asked to be verbose", () => {
    expect(linesOf(true)).toContain("GET https://r.example/v2/ 200 12 ms\n");
  });
});

describe("progress on a terminal", () => {
  /** What the screen shows, given what was written. */
  const screenOf = (written: string): string[] => {
    const codes = { "\n": "down", "\u001b[1A": "up", "\u001b[2K": "clear" } as const;
    const lines = [""];
    for (let at = 0; at < written.length; ) {
      const code = Object.entries(codes).find(([text]) => written.startsWith(text, at));
      if (code === undefined) lines[lines.length - 1] += written.charAt(at);
      else if (code[1] === "down") lines.push("");
      else if (code[1] === "up") lines.pop();
      else lines[lines.length - 1] = "";
      at += code === undefined ? 1 : code[0].length;
    }
    return lines.filter((line) => line !== "");
  };
  const watch = (width = 200): { progress: LiveProgress; screen: () => string[] } => {
    let written = "";
    const progress = new LiveProgress(
      (text) => {
        written += text;
      },
      () => width,
      false,
    );
    return { progress, screen: () => screenOf(written) };
  };

  it("has a line for each blob on its way, drawn in place", () => {
    const { progress, screen } = watch();
    progress.listener({ kind: "started", ...download });
    progress.listener({ kind: "started", ...upload });
    progress.listener({ kind: "progress", ...download, bytes: 1_000_000 });
    vi.advanceTimersByTime(1000);
    expect(screen()).toEqual([
      "↓ 0123456789ab 1.0 MB of 2.0 MB, 1.0 MB/s, 1.0 s left  r.example/app",
      "↑ 0123456789ab 0 B of 2.0 MB, 0 B/s  r.example/app",
    ]);
    progress.listener({ kind: "finished", ...download });
    vi.advanceTimersByTime(100);
    expect(screen()).toEqual(["↑ 0123456789ab 0 B of 2.0 MB, 0 B/s  r.example/app"]);
    progress.stop();
    expect(screen()).toEqual([]);
  });

  it("keeps warnings and retries above", () => {
    const { progress, screen } = watch();
    progress.listener({ kind: "started", ...download });
    vi.advanceTimersByTime(100);
    for (const event of everything.slice(9)) progress.listener(event);
    vi.advanceTimersByTime(100);
    expect(screen()).toEqual([
      "retry 2 of GET x in 1.5 s: 503",
      "warning: something is odd",
      expect.stringContaining("↓ 0123456789ab"),
    ]);
    progress.stop();
    expect(screen()).toHaveLength(2);
  });

  it("says on a blob's line what it waits for after a fault, until it moves again", () => {
    const { progress, screen } = watch();
    progress.listener({ kind: "started", ...upload });
    const fault = { attempt: 2, delayMs: 1500, reason: "503 Slow Down" };
    progress.listener({ kind: "retry", store: about.store, what: "x", transfer: upload, ...fault });
    vi.advanceTimersByTime(1000);
    expect(screen().at(-1)).toBe(
      "↑ 0123456789ab 0 B of 2.0 MB, retry 2 in 1.5 s: 503 Slow Down  r.example/app",
    );
    progress.listener({ kind: "progress", ...upload, bytes: 1_000_000 });
    vi.advanceTimersByTime(1000);
    expect(screen().at(-1)).toContain("1.0 MB of 2.0 MB, 500.0 kB/s");
    progress.stop();
  });

  it("cuts lines to the terminal's width, so that none wraps", () => {
    const { progress, screen } = watch(30);
    progress.listener({ kind: "started", ...download });
    vi.advanceTimersByTime(100);
    expect(screen()[0]).toHaveLength(29);
    progress.stop();
  });

  it("draws nothing more once it has stopped", () => {
    const { progress, screen } = watch();
    progress.listener({ kind: "started", ...download });
    progress.stop();
    vi.advanceTimersByTime(1000);
    expect(screen()).toEqual([]);
  });

  it("never tells of less than nothing left, when parts were read again", () => {
    const { progress, screen } = watch();
    progress.listener({ kind: "progress", ...download, bytes: 3_000_000 });
    vi.advanceTimersByTime(100);
    const [line = ""] = screen();
    expect(line).toContain("3.0 MB of 2.0 MB");
    expect(line).toContain("0.0 s left");
    expect(line).not.toMatch(/Infinity|NaN|-/);
    progress.stop();
  });
});

describe("the choice of progress", () => {
  const show = (isInteractive: boolean, flags: { quiet?: boolean }): string => {
    let written = "";
    const terminal: Terminal = {
      write: () => {},
      writeContent: () => Promise.resolve(),
      readInput: () => Promise.resolve(""),
      writeWhole: () => Promise.resolve(),
      isOutputTerminal: false,
      canAsk: false,
      ask: () => Promise.resolve(""),
      writeError: (text) => {
        written += text;
      },
      isInteractive,
      width: () => 80,
      env: {},
      signal: new AbortController().signal,
    };
    const { listener, stop } = startProgress(terminal, flags);
    for (const event of everything) (listener as TransferListener)(event);
    vi.advanceTimersByTime(200);
    stop();
    return written;
  };

  it("is silence with --quiet, lines for logs, and control codes for terminals alone", () => {
    expect(show(true, { quiet: true })).toBe("");
    expect(show(false, { quiet: true })).toBe("");
    expect(show(false, {})).toContain("read 0123456789ab");
    expect(show(false, {})).not.toContain("\u001b");
  });
});

describe("the book of transfers", () => {
  it("tells stores, directions and blobs apart, and forgets what has ended", () => {
    const transfers = new ActiveTransfers(() => 5);
    transfers.take({ kind: "started", ...download });
    transfers.take({ kind: "started", ...upload });
    transfers.take({ kind: "progress", ...upload, store: "other", bytes: 7 });
    transfers.take({ kind: "progress", ...download, bytes: 1 });
    expect(transfers.all.map(({ direction, store, bytes }) => [direction, store, bytes])).toEqual([
      ["download", "r.example/app", 1],
      ["upload", "r.example/app", 0],
      ["upload", "other", 7],
    ]);
    expect(transfers.take({ kind: "finished", ...download })).toMatchObject({ bytes: 1, startedAt: 5 });
    expect(transfers.take({ kind: "failed", ...upload })).toMatchObject({ bytes: 0 });
    expect(transfers.take({ kind: "finished", ...download })).toBeUndefined();
    expect(transfers.take({ kind: "present", ...about })).toBeUndefined();
    expect(transfers.all).toHaveLength(1);
  });
});
