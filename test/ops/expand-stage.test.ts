import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/model/config.ts";
import { encodeJson } from "../../src/model/manifest.ts";
import { type ExpandedConfig, type ExpandedCopy, expandStage } from "../../src/ops/expand-stage.ts";
import type { ConfigChanges, CopyStep } from "../../src/plan/compose-plan.ts";
import { parseCopySource } from "../../src/plan/copy-source.ts";
import type { TextTemplate, VariableModifier } from "../../src/plan/text.ts";

const environment = [
  "PATH=/bin",
  "DIR=/opt",
  "WHO=web:50",
  "PORTS=80 53/udp",
  "MODE=0750",
  "TWICE=a",
  "TWICE=b=c",
];
const from = parseCopySource("r.example/app:1", "");

function base(WorkingDir?: string) {
  const config = { Env: environment, ...(WorkingDir !== undefined && { WorkingDir }) };
  return parseConfig(encodeJson({ os: "linux", architecture: "amd64", config }), "base");
}

/** `$NAME` with what comes before and after it. */
function ref(variable: string, before = "", after = "", modifier?: VariableModifier): TextTemplate {
  return { parts: [before, { variable, ...(modifier && { modifier }) }, after], where: "Dockerfile:2:3" };
}

function config(changes: ConfigChanges, workingDirectory?: string): ExpandedConfig {
  return expandStage({ copies: [], config: changes }, base(workingDirectory)).config;
}

function copy(changes: Partial<CopyStep>, of: ConfigChanges = {}, workingDirectory?: string): ExpandedCopy {
  const step: CopyStep = { from, sources: ["/a"], destination: "/b", exclude: [], link: false, ...changes };
  const [expanded] = expandStage({ copies: [step], config: of }, base(workingDirectory)).copies;
  if (expanded === undefined) throw new Error("no step");
  return expanded;
}

describe("the configuration's texts", () => {
  it.each<[string, ConfigChanges, ExpandedConfig]>([
    ["env", { env: { PATH: ref("PATH", "/app:"), A: "$PATH" } }, { env: { PATH: "/app:/bin", A: "$PATH" } }],
    ["a variable set twice, by its last value", { env: { A: ref("TWICE") } }, { env: { A: "b=c" } }],
    ["labels", { labels: { l: ref("NONE", "<", ">") } }, { labels: { l: "<>" } }],
    [
      "ports, several in one text",
      { exposedPorts: ["1/tcp", ref("PORTS"), ref("NONE")] },
      { exposedPorts: ["1/tcp", "80/tcp", "53/udp"] },
    ],
    ["volumes", { volumes: ["/a", ref("DIR", "", "/v")] }, { volumes: ["/a", "/opt/v"] }],
    ["user", { user: ref("WHO") }, { user: "web:50" }],
    ["stopSignal", { stopSignal: ref("NONE", "SIG", "TERM") }, { stopSignal: "SIGTERM" }],
    ["workdir", { workdir: ref("DIR", "", "/./x/..") }, { workdir: "/opt" }],
    ["workdir from the base's", { workdir: "x" }, { workdir: "/srv/x" }],
    ["workdir after workdir", { workdir: ["x", "y", "../z"] }, { workdir: "/srv/x/z" }],
    [
      "workdir after workdir, of which one is absolute in the end",
      { workdir: ["x", ref("DIR"), "y"] },
      { workdir: "/opt/y" },
    ],
    ["workdir that is empty in the end", { workdir: ["x", ref("NONE")] }, { workdir: "/srv/x" }],
    ["no workdirs", { workdir: [] }, { workdir: "/srv" }],
    ["what has no texts", { cmd: ["$PATH"], shell: ["s"] }, { cmd: ["$PATH"], shell: ["s"] }],
  ])("are expanded: %s", (_, changes, expanded) => {
    expect(config(changes, "/srv")).toEqual(expanded);
  });

  it.each<[ConfigChanges, string]>([
    [{ exposedPorts: [ref("DIR")] }, "Dockerfile:2:3 /opt is not a port"],
    [{ volumes: [ref("NONE", "", "v")] }, "Dockerfile:2:3 v is not an absolute path"],
    [{ stopSignal: ref("DIR") }, "Dockerfile:2:3 /opt is not a signal"],
    [
      { user: ref("NONE", "", "", { operator: "?", word: ["no user"] }) },
      "Dockerfile:2:3: NONE is not set: no user",
    ],
  ])("%j are refused with their place", (changes, message) => {
    expect(() => config(changes)).toThrow(expect.objectContaining({ code: "USAGE", message }));
  });
});

describe("a copy step's texts", () => {
  it.each<[string, Partial<CopyStep>, Partial<ExpandedCopy>]>([
    ["sources", { sources: ["/a", ref("DIR", "", "/x")] }, { sources: ["/a", "/opt/x"] }],
    ["the destination", { destination: ref("DIR", "", "/") }, { destination: "/opt/" }],
    ["the owner", { chown: ref("WHO") }, { chown: { user: "web", group: 50 } }],
    ["no owner", { chown: ref("NONE") }, { chown: undefined }],
    ["the mode", { chmod: ref("MODE") }, { chmod: 0o750 }],
    ["no mode", { chmod: ref("NONE") }, { chmod: undefined }],
    ["what is left out", { exclude: ["*.a", ref("DIR", "*.")] }, { exclude: ["*.a", "*./opt"] }],
  ])("are expanded: %s", (_, changes, expanded) => {
    expect(copy(changes)).toMatchObject(expanded);
  });

  it.each<[string, Partial<CopyStep>, ConfigChanges, Pick<ExpandedCopy, "workingDirectory" | "madeBefore">]>([
    ["the stage's", {}, { workdir: "x" }, { workingDirectory: "/srv/x", madeBefore: [] }],
    [
      "the base's, where none is set before",
      { workdir: [] },
      { workdir: "x" },
      { workingDirectory: "/srv", madeBefore: [] },
    ],
    [
      "those set before",
      { workdir: ["a", ref("DIR"), "b"] },
      { workdir: "x" },
      { workingDirectory: "/opt/b", madeBefore: ["/srv/a", "/opt", "/opt/b"] },
    ],
  ])("are meant from %s", (_, changes, of, expected) => {
    expect(copy(changes, of, "/srv")).toMatchObject(expected);
  });

  it.each<[Partial<CopyStep>, string]>([
    [{ sources: [ref("NONE")] }, "Dockerfile:2:3: the source is empty"],
    [{ destination: ref("NONE") }, "Dockerfile:2:3: the destination is empty"],
    [{ sources: [ref("DIR", "..")] }, "Dockerfile:2:3: ../opt lies outside the image"],
    [{ chmod: ref("DIR") }, "Dockerfile:2:3 /opt is not an octal mode"],
    [{ chown: ref("WHO", "a:") }, 'Dockerfile:2:3: malformed owner "a:web:50"'],
  ])("%j are refused with their place", (changes, message) => {
    expect(() => copy(changes)).toThrow(expect.objectContaining({ code: "USAGE", message }));
  });
});
