import { parseDuration } from "../../../plan/duration.ts";
import { readFlags } from "../flags.ts";
import type { SourceText } from "../source-text.ts";
import { readCommand } from "./command.ts";
import type { RawInstruction } from "./raw-instruction.ts";

/** What the configuration's `Healthcheck` holds; durations in nanoseconds. */
export interface Healthcheck {
  readonly Test: string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

const durations = {
  interval: "Interval",
  timeout: "Timeout",
  "start-period": "StartPeriod",
  "start-interval": "StartInterval",
} as const;

const usage = 'Write HEALTHCHECK CMD ["program","argument"], HEALTHCHECK CMD LINE, or HEALTHCHECK NONE.';

/**
 * Reads `HEALTHCHECK [FLAGS] CMD COMMAND` or `HEALTHCHECK NONE`.
 *
 * @throws ComposeImageError `USAGE` with line and column.
 */
export function readHealthcheck({ source, flags, rest }: RawInstruction): Healthcheck {
  const [kind = ""] = /^\S*/.exec(rest.text) ?? [];
  const command = rest.slice(kind.length).trim();
  if (kind.toUpperCase() === "NONE") {
    readFlags(flags, "HEALTHCHECK NONE", {});
    if (command.text !== "") throw command.fault("HEALTHCHECK NONE is followed by something", usage);
    return { Test: ["NONE"] };
  }
  const values = readFlags(flags, "HEALTHCHECK", {
    interval: "text",
    timeout: "text",
    "start-period": "text",
    "start-interval": "text",
    retries: "text",
  });
  if (kind.toUpperCase() !== "CMD") {
    throw kind === ""
      ? source.fault("HEALTHCHECK says nothing", usage)
      : rest.fault(`HEALTHCHECK ${kind} is not known`, usage);
  }
  const form = readCommand(command);
  const words = form.form === "shell" ? [form.line] : form.words;
  if (words.length === 0 || command.text === "") throw rest.fault("HEALTHCHECK CMD has no command", usage);
  const times = Object.entries(durations).flatMap(([flag, key]) => {
    const duration = durationOf(values.text(flag), flag);
    return duration === 0 ? [] : [[key, duration] as const];
  });
  const retries = retriesOf(values.text("retries"));
  return {
    Test: [form.form === "shell" ? "CMD-SHELL" : "CMD", ...words],
    ...Object.fromEntries(times),
    ...(retries > 0 && { Retries: retries }),
  };
}

/** Nothing, and no time, is the engine's default. */
function durationOf(value: SourceText | undefined, flag: string): number {
  if (value === undefined || /^[+-]?0$/.test(value.text)) return 0;
  const duration = parseDuration(value.text, `${value.at()}: --${flag}`);
  if (duration > 0 && duration < 1_000_000)
    throw value.fault(`--${flag} ${value.text} is less than 1ms`, "Write for example 30s.");
  return duration;
}

function retriesOf(value: SourceText | undefined): number {
  if (value === undefined) return 0;
  if (!/^[0-9]{1,9}$/.test(value.text))
    throw value.fault(`--retries ${value.text} is not a whole number`, "Write for example 3.");
  return Number(value.text);
}
