import { expect, it } from "vitest";
import { nearestWord } from "../../../src/frontends/yaml/nearest.ts";

const known = ["builder", "builders", "base", "copy", "entrypoint", "env", "stopSignal", "workdir"];

it.each([
  ["builer", "builder"],
  ["bulider", "builder"],
  ["Copy", "copy"],
  ["workDir", "workdir"],
  ["stop_signal", "stopSignal"],
  ["entry-point", "entrypoint"],
  ["evn", "env"],
  ["healthcheck", undefined],
  ["zzz", undefined],
  ["", undefined],
])("%j probably means %j", (word, meant) => {
  expect(nearestWord(word, known)).toBe(meant);
});
