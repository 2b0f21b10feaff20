import { readFileSync } from "node:fs";
import { formatBytes } from "../src/cli/quantities.ts";
import type { TemporaryDisk } from "./compose-runs.ts";
import type { Machine } from "./machine.ts";
import type { MirrorFigures } from "./mirror-runs.ts";
import type { Timing } from "./peers.ts";

/** What `bench/results.json` holds. Sizes are bytes, times seconds. */
export interface BenchResults {
  /** ISO 8601, the day alone. */
  readonly date: string;
  readonly machine: Machine;
  readonly images: Readonly<Record<string, ImageSize>>;
  readonly selection: { readonly entries: number; readonly size: number };
  readonly memory: readonly MemoryPeaks[];
  readonly temporaryDisk: TemporaryDisk;
  /** The project's own first; the others are compared with it. */
  readonly timings: readonly Timing[];
  readonly mirroring: MirrorResults;
}

/** Of mirroring, which can be measured alone. */
export interface MirrorResults extends MirrorFigures {
  readonly date: string;
  readonly machine: Machine;
}

/** An image that was composed from. */
export interface ImageSize {
  readonly layers: number;
  readonly unpacked: number;
  readonly packed: number;
}

/** Peak resident memory of each of several runs. */
export interface MemoryPeaks {
  readonly registry: string;
  readonly image: "builder" | "doubled";
  readonly peaks: readonly number[];
}

/** The committed results. */
export function readResults(): BenchResults {
  return JSON.parse(readFileSync(new URL("results.json", import.meta.url), "utf8")) as BenchResults;
}

const beginning = "<!-- figures: written by `npm run bench` -->";
const end = "<!-- end of figures -->";

/**
 * A document with its figures replaced by those of the results.
 *
 * @throws Error when it has no place for them.
 */
export function withFigures(document: string, results: BenchResults): string {
  const from = document.indexOf(beginning);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`no place for figures: ${beginning} … ${end}`);
  return `${document.slice(0, from)}${beginning}\n\n${renderFigures(results)}\n${document.slice(to)}`;
}

function renderFigures(results: BenchResults): string {
  return [
    timeTable(results.timings),
    memoryTable(results),
    diskText(results),
    machineText(results),
    mirrorTable(results.mirroring),
    mirrorText(results.mirroring),
  ].join("\n");
}

function timeTable(timings: readonly Timing[]): string {
  const [own] = timings;
  const rows = timings.map(({ name, mean, stddev, min, max, user, system }) => [
    name,
    own === undefined ? "" : `${(mean / own.mean).toFixed(2)}`,
    `${mean.toFixed(2)} s ± ${stddev.toFixed(2)}`,
    `${min.toFixed(2)} … ${max.toFixed(2)} s`,
    `${(user + system).toFixed(1)} s`,
  ]);
  return table(["", "times as long", "mean", "range", "CPU"], rows);
}

function memoryTable({ memory, images }: BenchResults): string {
  const smallest = Math.min(
    ...memory.filter(({ image }) => image === "builder").map(({ peaks }) => median(peaks)),
  );
  const rows = memory.map(({ registry, image, peaks }) => [
    `${formatBytes(images[image]?.unpacked ?? 0)} from ${registry}`,
    (median(peaks) / smallest).toFixed(2),
    formatBytes(median(peaks)),
    formatBytes(Math.max(...peaks)),
  ]);
  return table(["builder", "times as much", "median of the peaks", "highest peak"], rows);
}

function mirrorTable({ timings }: MirrorResults): string {
  const rows = timings.map(({ name, comparedWith, runs, cpu, peaks }) => {
    const own = timings.find((timing) => timing.name === comparedWith)?.runs ?? [];
    return [
      name,
      (median(runs) / median(own)).toFixed(2),
      `${median(runs).toFixed(2)} s`,
      `${Math.min(...runs).toFixed(2)} … ${Math.max(...runs).toFixed(2)} s`,
      `${median(cpu).toFixed(1)} s`,
      formatBytes(Math.max(...peaks)),
    ];
  });
  return table(["mirroring", "times as long", "median", "range", "CPU", "highest peak of memory"], rows);
}

function mirrorText({ date, machine, images, bytes, timings }: MirrorResults): string {
  const runs = timings[0]?.runs.length;
  return `${images} images, ${formatBytes(bytes)}, each run ${runs} times, one of every kind after the other. ${machineLine(date, machine)}\n`;
}

function diskText({ temporaryDisk: { peak, bound } }: BenchResults): string {
  const percent = Math.round((100 * peak) / bound);
  return `Temporary disk for a 100 MB file that six layers replace: ${formatBytes(peak)}, ${percent} % of the bound of ${formatBytes(bound)}.\n`;
}

function machineLine(date: string, { cores, cpu, memory, kernel, fileSystem, versions }: Machine): string {
  const tools = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${date}, ${cores} cores of ${cpu}, ${formatBytes(memory)} of memory, Linux ${kernel}, ${fileSystem}; ${tools.join(", ")}.`;
}

function machineText({ date, machine, images, selection }: BenchResults): string {
  const { builder } = images;
  return [
    machineLine(date, machine),
    `Builder: ${builder?.layers} layers, ${formatBytes(builder?.unpacked ?? 0)} unpacked, ${formatBytes(builder?.packed ?? 0)} packed; selected of it: ${selection.entries} entries, a tar of ${formatBytes(selection.size)}.`,
    "",
  ].join("\n");
}

/** The middle one, or the lower of the two in the middle. */
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, i) => (i === 0 ? "---" : "---:"));
  return `${[head, rule, ...rows].map(line).join("\n")}\n`;
}
