import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** What a process held at its peak. */
export interface ProcessPeak {
  /** The most file descriptors that were seen open. */
  readonly descriptors: number;
  /** Bytes of memory resident. */
  readonly memory: number;
}

/**
 * Looks at a process in /proc every few milliseconds until it ends, or the signal says so.
 *
 * @returns what it held at its peak, as far as was seen: the kernel keeps the peak of the memory itself.
 */
export async function watchProcess(pid: number, signal?: AbortSignal): Promise<ProcessPeak> {
  const peak = { descriptors: 0, memory: 0 };
  while (signal?.aborted !== true) {
    try {
      peak.descriptors = Math.max(peak.descriptors, (await readdir(`/proc/${pid}/fd`)).length);
      const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1];
      if (kibibytes === undefined) break;
      peak.memory = Math.max(peak.memory, Number(kibibytes) * 1024);
    } catch {
      break;
    }
    await sleep(20);
  }
  return peak;
}
