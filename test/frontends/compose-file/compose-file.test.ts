import { describe, expect, it } from "vitest";
import { type ComposeFileOptions, parseComposeFile } from "../../../src/frontends/plans.ts";
import { formatLocation } from "../../../src/model/location.ts";
import type { ComposePlan } from "../../../src/plan/compose-plan.ts";
import { formatCopySource } from "../../../src/plan/copy-source.ts";

const least = `builder: r.example/builder:1
base: r.example/base:1
copy: [/opt/app]
tags: [r.example/app:1]
`;

function only(text: string, options: ComposeFileOptions = {}): ComposePlan {
  const [plan, ...more] = parseComposeFile(text, options);
  if (plan === undefined || more.length > 0) throw new Error(`${more.length + 1} plans`);
  return plan;
}

describe("a compose.yaml", () => {
  it("that is as short as can be makes a plan with the defaults", () => {
    const { copies, targets, ...rest } = only(least);
    expect(rest).toEqual({
      base: { kind: "image", location: expect.objectContaining({ transport: "registry" }) },
      config: {},
      annotations: {},
      compression: { algorithm: "gzip", level: 6 },
      record: "annotations",
    });
    expect(copies).toEqual([
      {
        from: { kind: "image", location: expect.objectContaining({ transport: "registry" }) },
        sources: ["/opt/app"],
        destination: "/opt/app",
        exclude: [],
        link: false,
      },
    ]);
    expect(targets.map(formatLocation)).toEqual(["r.example/app:1"]);
  });

  it("may have stages, which copy from each other", () => {
    const { copies } = only(`
builders: {tools: r.example/tools:1}
stages:
  last: {base: scratch, copy: [{from: first, src: /x, dst: /y}, {from: tools, src: /t}]}
  first:
    base: r.example/sdk:1
    platform: arm64
    workdir: [/w, x]
    copy:
      - {from: tools, src: "\${base:HOME}/a", dst: b, workdir: /c, chown: "\${base:USER:-0}"}
  unused: {base: r.example/none:1}
base: r.example/base:1
copy:
  - {from: last, src: /y}
  - {from: first, src: /w}
tags: [r.example/app:1]
`);
    const [fromLast, fromFirst] = copies.map(({ from }) => (from.kind === "stage" ? from.stage : undefined));
    expect(fromLast).toMatchObject({
      name: "last",
      base: { kind: "scratch" },
      copies: [
        { sources: ["/x"], destination: "/y" },
        { sources: ["/t"], destination: "/t" },
      ],
      config: {},
    });
    expect(fromLast?.copies[0]?.from).toMatchObject({ kind: "stage", stage: fromFirst });
    expect(fromFirst).toMatchObject({
      name: "first",
      platform: { os: "linux", architecture: "arm64" },
      config: { workdir: ["/w", "x"] },
      copies: [
        {
          sources: [
            { parts: [{ variable: "HOME" }, "/a"], where: "compose.yaml:10:28: stages.first.copy[0].src" },
          ],
          destination: "b",
          workdir: ["/c"],
          chown: { parts: [{ variable: "USER", modifier: { operator: ":-", word: ["0"] } }] },
        },
      ],
    });
    expect(fromFirst?.copies[0]?.from).toBe(fromLast?.copies[1]?.from);
  });

  it("that has every key makes all of a plan", () => {
    const plan = only(`
builder: r.example/one
builders: { tools: r.example/two:2, layout: "oci:dir:x" }
base: scratch
copy:
  - /a:/b
  - from: tools
    src: [/bin/x, "/lib/*.so"]
    dst: usr/
    chown: web:50
    chmod: 0750
    exclude: ["**/*.md", "!keep.md"]
    link: true
  - { from: layout, src: "/odd:name" }
  - { from: r.example/three@sha256:${"0".repeat(64)}, src: /c, chown: 1001, chmod: "755" }
env: { A: text, NUMBER: 1.10, TRUTH: yes, SPACE: " a ", EMPTY: "" }
labels: { org.example.team: blue }
annotations: { k: v }
workdir: /b
user: 1001:0
entrypoint: [node, server.js, 8080]
cmd: []
shell: [/bin/bash, -c]
expose: [8080, 53/udp, 9000-9001]
volumes: [/data]
stopSignal: SIGINT
healthcheck: { test: [CMD, /check], interval: 1m30s, timeout: 5s, startPeriod: 0s, retries: 3 }
platforms: [arm64]
builderPlatform: linux/amd64
tags: [r.example/app:1, "oci:out:x"]
compression: gzip:9
sourceDateEpoch: 1700000000
record: none
format: docker
historyComment: by hand
`);
    expect(plan).toEqual({
      base: { kind: "scratch" },
      copies: [
        { from: expect.anything(), sources: ["/a"], destination: "/b", exclude: [], link: false },
        {
          from: expect.anything(),
          sources: ["/bin/x", "/lib/*.so"],
          destination: "usr/",
          chown: { user: "web", group: 50 },
          chmod: 0o750,
          exclude: ["**/*.md", "!keep.md"],
          link: true,
        },
        {
          from: expect.anything(),
          sources: ["/odd:name"],
          destination: "/odd:name",
          exclude: [],
          link: false,
        },
        {
          from: expect.anything(),
          sources: ["/c"],
          destination: "/c",
          chown: { user: 1001 },
          chmod: 0o755,
          exclude: [],
          link: false,
        },
      ],
      config: {
        env: { A: "text", NUMBER: "1.10", TRUTH: "yes", SPACE: " a ", EMPTY: "" },
        labels: { "org.example.team": "blue" },
        exposedPorts: ["8080/tcp", "53/udp", "9000/tcp", "9001/tcp"],
        volumes: ["/data"],
        workdir: "/b",
        user: "1001:0",
        entrypoint: ["node", "server.js", "8080"],
        cmd: [],
        shell: ["/bin/bash", "-c"],
        stopSignal: "SIGINT",
        healthcheck: {
          Test: ["CMD", "/check"],
          Interval: 90_000_000_000,
          Timeout: 5_000_000_000,
          StartPeriod: 0,
          Retries: 3,
        },
      },
      annotations: { k: "v" },
      targets: [expect.objectContaining({ transport: "registry" }), expect.objectContaining({ tag: "x" })],
      platform: { os: "linux", architecture: "arm64" },
      builderPlatform: { os: "linux", architecture: "amd64" },
      format: "docker",
      compression: { algorithm: "gzip", level: 9 },
      record: "none",
      sourceDateEpoch: 1_700_000_000,
      historyComment: "by hand",
    });
    expect(plan.copies.map(({ from }) => formatCopySource(from))).toEqual([
      "r.example/one:latest",
      "r.example/two:2",
      "oci:dir:x",
      `r.example/three@sha256:${"0".repeat(64)}`,
    ]);
  });

  it("of several documents makes a plan of each", () => {
    const plans = parseComposeFile(`${least}---\n${least.replace("app:1", "app:2")}---\n`);
    expect(plans.map(({ targets }) => targets.map(formatLocation))).toEqual([
      ["r.example/app:1"],
      ["r.example/app:2"],
    ]);
  });

  it("whose copy steps take from equal images shares their location, as the operation wants it", () => {
    const { copies } = only(`${least}builders: {b: r.example/builder:1}`, {
      set: ["copy=[{from: b, src: /x}, {from: r.example/builder:1, src: /y}, /z]"],
    });
    expect(new Set(copies.map(({ from }) => from)).size).toBe(1);
  });

  it("with one named builder takes from it by default", () => {
    const { copies } = only(least.replace("builder: ", "builders: {b: ").replace(":1\n", ":1}\n"));
    expect(copies.map(({ from }) => formatCopySource(from))).toEqual(["r.example/builder:1"]);
  });

  it.each([
    ["", "local:."],
    ["context: ./dist\n", "local:./dist"],
    ["builders: { context: r.example/c:1 }\n", "r.example/c:1"],
  ])("with %j copies from context as %s", (line, expected) => {
    const { copies } = only(`${line}${least}`, { set: ["copy=[{from: context, src: /x}, /y]"] });
    expect(copies.map(({ from }) => formatCopySource(from))).toEqual([expected, "r.example/builder:1"]);
  });

  it("copies from directories wherever it may name an image, and shares those that are equal", () => {
    const { copies } = only(`builders: { a: "local:a", b: r.example/b:1 }\n${least}`, {
      set: ["builder=local:a", "copy=[/w, {from: a, src: x}, {from: 'local:a', src: y}, {from: b, src: /z}]"],
    });
    const directory = { kind: "local", directory: "a" };
    expect(copies.map(({ from }) => from).slice(0, 3)).toEqual([directory, directory, directory]);
    expect(new Set(copies.map(({ from }) => from)).size).toBe(2);
    expect(copies.map(({ sources, destination }) => [sources, destination])).toContainEqual([["x"], "/x"]);
  });

  it.each([
    ["node", ["node"]],
    ["[node, a b]", ["node", "a b"]],
    ["[]", []],
  ])("takes the entrypoint %s for %j", (text, expected) => {
    expect(only(`${least}entrypoint: ${text}`).config.entrypoint).toEqual(expected);
  });

  it("has variables put in, also where a number or truth value is wanted", () => {
    const text = `${least}sourceDateEpoch: \${EPOCH}\nuser: "\${USER_ID:-7}"\nenv:\n  \${KEY}: $$\{KEY}\n`;
    const plan = only(text.replace("[/opt/app]", "\n  - src: /a\n    link: ${LINK}"), {
      variables: { EPOCH: "12", LINK: "true" },
    });
    expect(plan).toMatchObject({
      sourceDateEpoch: 12,
      copies: [{ link: true }],
      config: { user: "7", env: { "${KEY}": "${KEY}" } },
    });
  });

  it("is changed by settings, which hold no variables", () => {
    const plan = only(least, {
      set: ["copy[0]={src: /x, dst: /y/}", "env.PATH=$PATH:/x", "copy.0.link=true", 'labels."a.b"=c'],
    });
    expect(plan).toMatchObject({
      copies: [{ sources: ["/x"], destination: "/y/", link: true }],
      config: { env: { PATH: "$PATH:/x" }, labels: { "a.b": "c" } },
    });
  });

  it("stands below the flags: they replace what it says, and are merged into its mappings", () => {
    const plan = only(
      `${least}
env: {A: file, B: file}
labels: {a: file}
annotations: {a: file}
expose: [1]
user: file
workdir: /file
compression: none
record: none
sourceDateEpoch: 1
copy: [{src: /x, chown: "1", exclude: [a]}, /y]
`.replace("copy: [/opt/app]\n", ""),
      {
        flags: {
          builder: "r.example/flag:1",
          tag: ["r.example/flagged:1"],
          env: ["B=flag", "C=flag"],
          label: ["b=flag"],
          annotation: ["b=flag"],
          expose: ["2"],
          user: "flag",
          chown: "2",
          chmod: "0700",
          exclude: ["b"],
          link: true,
          compression: "gzip:1",
          record: "annotations",
          sourceDateEpoch: 2,
        },
        sourceDateEpoch: 3,
      },
    );
    expect(plan).toMatchObject({
      config: {
        env: { A: "file", B: "flag", C: "flag" },
        labels: { a: "file", b: "flag" },
        exposedPorts: ["2/tcp"],
        user: "flag",
        workdir: "/file",
      },
      annotations: { a: "file", b: "flag" },
      compression: { algorithm: "gzip", level: 1 },
      record: "annotations",
      sourceDateEpoch: 2,
    });
    const option = { chown: { user: 2 }, chmod: 0o700, exclude: ["b"], link: true };
    expect(plan.copies).toMatchObject([
      { sources: ["/x"], ...option },
      { sources: ["/y"], ...option },
    ]);
    expect(plan.copies.map(({ from }) => formatCopySource(from))).toEqual([
      "r.example/flag:1",
      "r.example/flag:1",
    ]);
    expect(plan.targets.map(formatLocation)).toEqual(["r.example/flagged:1"]);
  });

  it("may leave out what flags say", () => {
    const flags = { builder: "x:1", base: "scratch", directory: ["/a:/b"], tag: ["y:1"] };
    expect(only("env: {A: b}", { flags })).toMatchObject({
      base: { kind: "scratch" },
      copies: [{ sources: ["/a"], destination: "/b" }],
      config: { env: { A: "b" } },
    });
  });

  it("counts for the time before the environment does", () => {
    expect(only(`${least}sourceDateEpoch: 1`, { sourceDateEpoch: 3 }).sourceDateEpoch).toBe(1);
    expect(only(least, { sourceDateEpoch: 3 }).sourceDateEpoch).toBe(3);
  });

  it("has its references replaced", () => {
    const plan = only(least, { replace: ["r.example=127.0.0.1:5000/mirror"] });
    expect(plan.targets.map(formatLocation)).toEqual(["127.0.0.1:5000/mirror/app:1"]);
    expect(plan.copies.map(({ from }) => formatCopySource(from))).toEqual([
      "127.0.0.1:5000/mirror/builder:1",
    ]);
  });
});
