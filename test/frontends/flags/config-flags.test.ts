import { expect, test } from "vitest";
import { type ConfigEditFlags, parseConfigFlags } from "../../../src/frontends/flags/config-flags.ts";

test("flags say what to set and what to take out", () => {
  const edit = parseConfigFlags({
    env: ["A=1", "B=2=3"],
    label: ["team=blue"],
    annotation: ["org.example=x"],
    indexAnnotation: ["org.example=y"],
    entrypoint: '["node","server.js"]',
    cmd: "serve",
    user: "web",
    workdir: "/srv",
    expose: ["8080", "90-91/udp"],
    volume: ["/data"],
    stopSignal: "SIGINT",
    unsetEnv: ["C"],
    unsetLabel: ["old=key"],
    unsetAnnotation: ["org.old"],
    unsetIndexAnnotation: ["org.older"],
    unsetExpose: ["80"],
    unsetVolume: ["/old"],
    unset: ["healthcheck"],
  });
  expect(edit).toEqual({
    changes: {
      env: { A: "1", B: "2=3" },
      labels: { team: "blue" },
      entrypoint: ["node", "server.js"],
      cmd: ["serve"],
      user: "web",
      workdir: "/srv",
      exposedPorts: ["8080/tcp", "90/udp", "91/udp"],
      volumes: ["/data"],
      stopSignal: "SIGINT",
    },
    annotations: { "org.example": "x" },
    indexAnnotations: { "org.example": "y" },
    removed: {
      env: ["C"],
      labels: ["old=key"],
      annotations: ["org.old"],
      indexAnnotations: ["org.older"],
      exposedPorts: ["80/tcp"],
      volumes: ["/old"],
      fields: ["healthcheck"],
    },
  });
});

test.each<[ConfigEditFlags, RegExp]>([
  [{}, /^nothing to change/],
  [{ env: [] }, /^nothing to change/],
  [{ env: ["A"] }, /^--env A is not KEY=VALUE/],
  [{ user: "" }, /^--user is missing/],
  [{ entrypoint: '["a"' }, /^--entrypoint .* is not a JSON list/],
  [{ volume: ["data"] }, /^--volume data is not an absolute path/],
  [{ stopSignal: "now" }, /^--stop-signal now is not a signal/],
  [{ unsetEnv: ["A=1"] }, /^--unset-env A=1 is not a name/],
  [{ unsetLabel: [""] }, /^--unset-label {2}is not a name/],
  [{ unsetExpose: ["x"] }, /^--unset-expose x is not a port/],
  [{ unset: ["env"] }, /^--unset env is not known/],
])("wrong flags are refused: %j", (flags, message) => {
  expect(() => parseConfigFlags(flags)).toThrow(
    expect.objectContaining({ code: "USAGE", message: expect.stringMatching(message) }),
  );
});
