import type { JsonObject } from "../../model/json.ts";
import { durationPattern, parseDuration } from "../../plan/duration.ts";
import { list, object } from "../yaml/collection-shapes.ts";
import { count, word } from "../yaml/scalar-shapes.ts";
import { described, refined, type Shape } from "../yaml/shape.ts";

const duration = word("a duration", parseDuration, { pattern: durationPattern });

/**
 * `healthcheck`, read into what the configuration holds.
 *
 * @see https://github.com/moby/docker-image-spec/blob/v1.3.1/README.md
 */
export const healthcheckShape: Shape<JsonObject> = refined(
  object(
    {
      test: described(
        "What is run: NONE, or CMD with a program and its arguments, or CMD-SHELL with a line for the shell.",
        list(word("text", String), "a list such as [CMD, /bin/check]", 1),
      ),
      interval: described("Time from one run to the next.", duration),
      timeout: described("Time a run may take.", duration),
      startPeriod: described("Time in which failures do not count.", duration),
      startInterval: described("Time from one run to the next in the start period.", duration),
      retries: described(
        "Failures in a row that make a container unhealthy.",
        count("a whole number", Number),
      ),
    },
    "a mapping with test",
    ["test"],
  ),
  ({ test = [], interval, timeout, startPeriod, startInterval, retries }) => ({
    Test: [...test],
    ...(interval !== undefined && { Interval: interval }),
    ...(timeout !== undefined && { Timeout: timeout }),
    ...(startPeriod !== undefined && { StartPeriod: startPeriod }),
    ...(startInterval !== undefined && { StartInterval: startInterval }),
    ...(retries !== undefined && { Retries: retries }),
  }),
);
