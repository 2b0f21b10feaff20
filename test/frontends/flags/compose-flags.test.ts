import { describe, expect, it } from "vitest";
import { type ComposeFlags, parseComposeFlags } from "../../../src/frontends/flags/compose-flags.ts";
import { formatLocation } from "../../../src/model/location.ts";

const least: ComposeFlags = {
  builder: "r.example/builder:1",
  base: "r.example/base:1",
  directory: ["/opt/app"],
  tag: ["r.example/app:1"],
};
const parse = (flags: ComposeFlags = {}) => parseComposeFlags({ ...least, ...flags });

describe("flags", () => {
  it("that are as few as can be make a plan with the defaults", () => {
    const { copies, targets, ...rest } = parse();
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

  it.each<[platform: string | string[], of: object]>([
    ["arm64", { platform: { os: "linux", architecture: "arm64" } }],
    [["linux/arm64", "aarch64,linux/arm64/v8"], { platform: { os: "linux", architecture: "arm64" } }],
    [
      "linux/arm64, linux/amd64",
      {
        platforms: [
          { os: "linux", architecture: "arm64" },
          { os: "linux", architecture: "amd64" },
        ],
      },
    ],
    [
      ["amd64", "linux/arm/v6,linux/arm/v7", "linux/arm/v6"],
      {
        platforms: [
          { os: "linux", architecture: "amd64" },
          { os: "linux", architecture: "arm", variant: "v6" },
          { os: "linux", architecture: "arm", variant: "v7" },
        ],
      },
    ],
    ["all", { platforms: "all" }],
    [["all", "all"], { platforms: "all" }],
  ])("take --platform %j for one platform, several, or all", (platform, expected) => {
    const { platform: one, platforms } = parse({ platform });
    expect({ ...(one && { platform: one }), ...(platforms && { platforms }) }).toEqual(expected);
  });

  it("that are all given make all of a plan", () => {
    const plan = parse({
      base: "scratch",
      directory: ["/a:/b", "/c"],
      tag: ["r.example/app:1", "oci:out:x"],
      env: ["A=1", "B=x=y", "A=2", "EMPTY="],
      label: { "org.x": "1" },
      annotation: ["k=v"],
      expose: ["80", "53/udp", "8000-8002", "9/TCP"],
      workdir: "/b",
      user: "app:staff",
      entrypoint: '["node", "server.js"]',
      cmd: "[]",
      chown: "55:staff",
      chmod: "0750",
      exclude: ["**/*.md"],
      link: true,
      record: "none",
      format: "docker",
      platform: "arm64",
      builderPlatform: "linux/amd64",
      compression: "none",
      sourceDateEpoch: "1700000000",
      historyComment: "by hand",
    });
    expect(plan).toMatchObject({
      base: { kind: "scratch" },
      config: {
        env: { A: "2", B: "x=y", EMPTY: "" },
        labels: { "org.x": "1" },
        exposedPorts: ["80/tcp", "53/udp", "8000/tcp", "8001/tcp", "8002/tcp", "9/tcp"],
        workdir: "/b",
        user: "app:staff",
        entrypoint: ["node", "server.js"],
        cmd: [],
      },
      annotations: { k: "v" },
      platform: { os: "linux", architecture: "arm64" },
      builderPlatform: { os: "linux", architecture: "amd64" },
      format: "docker",
      compression: { algorithm: "none" },
      record: "none",
      sourceDateEpoch: 1_700_000_000,
      historyComment: "by hand",
    });
    for (const copy of plan.copies)
      expect(copy).toMatchObject({
        chown: { user: 55, group: "staff" },
        chmod: 0o750,
        exclude: ["**/*.md"],
        link: true,
      });
  });

  it.each([
    ["/a", "/a", "/a"],
    ["/a/:/b/", "/a/", "/b/"],
    ["a", "a", "/a"],
    ["a:b", "a", "b"],
    ["/", "/", "/"],
    ["/a/..:/b", "/a/..", "/b"],
    ["/a/*.js:/b/", "/a/*.js", "/b/"],
  ])("--directory %s copies %s to %s", (text, source, destination) => {
    expect(parse({ directory: [text] }).copies[0]).toMatchObject({ sources: [source], destination });
  });

  it.each([
    ["gzip", { algorithm: "gzip", level: 6 }],
    ["gzip:0", { algorithm: "gzip", level: 0 }],
    ["gzip:9", { algorithm: "gzip", level: 9 }],
    ["zstd", { algorithm: "zstd", level: 3 }],
    ["zstd:1", { algorithm: "zstd", level: 1 }],
    ["zstd:19", { algorithm: "zstd", level: 19 }],
    ["none", { algorithm: "none" }],
  ])("--compression %s is %j", (text, compression) => {
    expect(parse({ compression: text }).compression).toEqual(compression);
  });

  it.each([
    ['["node","server.js"]', ["node", "server.js"]],
    ["[]", []],
    ["/bin/app", ["/bin/app"]],
    [
      ["a", "b c"],
      ["a", "b c"],
    ],
  ])("an entrypoint of %j is %j", (entrypoint, expected) => {
    expect(parse({ entrypoint }).config.entrypoint).toEqual(expected);
  });

  it("of a map or list that is empty change nothing", () => {
    expect(parse({ env: {}, label: [], expose: [] }).config).toEqual({});
  });

  it.each(["0", 0, "253402300799"])("a source date epoch may be %j", (sourceDateEpoch) => {
    expect(parse({ sourceDateEpoch }).sourceDateEpoch).toBe(Number(sourceDateEpoch));
  });

  it("with a key that objects have themselves are taken at their word", () => {
    const { env } = parse({ env: ["__proto__=1", "constructor=2"] }).config;
    expect(Object.entries(env ?? {})).toEqual([
      ["__proto__", "1"],
      ["constructor", "2"],
    ]);
  });

  it.each<[flags: ComposeFlags, code: string, message: string, hint: string]>([
    [{ builder: undefined }, "USAGE", "--builder is missing", "Name the image"],
    [{ builder: "" }, "USAGE", "--builder is missing", "Name the image"],
    [{ base: undefined }, "USAGE", "--base is missing", "scratch"],
    [{ directory: undefined }, "USAGE", "no --directory given", "--directory /"],
    [{ directory: [] }, "USAGE", "no --directory given", "--directory /"],
    [{ tag: [] }, "USAGE", "no --tag given", "--tag "],
    [{ builder: "https://r.example/x" }, "REFERENCE_INVALID", "a reference has no scheme", "Leave out"],
    [{ base: "Upper/Case" }, "REFERENCE_INVALID", "upper-case", "lower case"],
    [{ tag: ["r.example/app:"] }, "REFERENCE_INVALID", "is not a tag", "A tag has"],
    [{ tag: [`r.example/app@sha256:${"0".repeat(64)}`] }, "USAGE", "has a digest", "Leave out"],
    [{ directory: [":/x"] }, "USAGE", "a path is empty", "SRC:DST"],
    [{ directory: ["/x:"] }, "USAGE", "a path is empty", "SRC:DST"],
    [{ directory: ["/a:/b:/c"] }, "USAGE", "more than one colon", "SRC:DST"],
    [{ directory: ["/a/../../b"] }, "USAGE", "outside the image", "root"],
    [{ directory: ["/a/*.js"] }, "USAGE", "a pattern needs a destination", "PATTERN:DST/"],
    [{ env: ["NOVALUE"] }, "USAGE", "--env NOVALUE is not KEY=VALUE", "--env KEY=VALUE"],
    [{ env: ["=x"] }, "USAGE", "--env =x is not KEY=VALUE", "KEY=VALUE"],
    [{ label: ["x"] }, "USAGE", "--label x", "--label KEY=VALUE"],
    [{ annotation: ["x"] }, "USAGE", "--annotation x", "KEY=VALUE"],
    [{ expose: ["http"] }, "USAGE", "--expose http", "1 to 65535"],
    [{ expose: ["0"] }, "USAGE", "--expose 0", "1 to 65535"],
    [{ expose: ["65536"] }, "USAGE", "--expose 65536", "1 to 65535"],
    [{ expose: ["9-8"] }, "USAGE", "--expose 9-8", "FROM-TO"],
    [{ expose: ["80/icmp"] }, "USAGE", "--expose 80/icmp", "PORT/udp"],
    [{ workdir: "" }, "USAGE", "--workdir is missing", "Leave the flag out"],
    [{ user: "" }, "USAGE", "--user is missing", "Leave the flag out"],
    [
      { entrypoint: "node server.js" },
      "USAGE",
      "--entrypoint node server.js is not a JSON list",
      "single quotes",
    ],
    [{ entrypoint: '["node", 1]' }, "USAGE", "is not a JSON list of strings", "single quotes"],
    [{ entrypoint: "" }, "USAGE", "is not a JSON list", "single quotes"],
    [{ cmd: '{"a":1}' }, "USAGE", "--cmd", "--cmd '["],
    [{ chown: "a:b:c" }, "USAGE", "malformed owner", "user:group"],
    [{ chown: "4294967295" }, "USAGE", "no user or group number", "4294967294"],
    [{ chmod: "u+x" }, "USAGE", "--chmod u+x", "0755"],
    [{ chmod: "0888" }, "USAGE", "--chmod 0888", "0755"],
    [{ chmod: "17777" }, "USAGE", "--chmod 17777", "0755"],
    [{ record: "labels" }, "USAGE", "--record labels is not known", "annotations, none"],
    [{ format: "OCI" }, "USAGE", "--format OCI is not known", "oci, docker"],
    [{ platform: "linux/" }, "PLATFORM_INVALID", "not a platform", "linux/arm64"],
    [{ platform: "linux/amd64," }, "PLATFORM_INVALID", 'not a platform: ""', "linux/arm64"],
    [{ platform: ["amd64", "all"] }, "USAGE", "--platform: all, and others beside it", "all alone"],
    [{ builderPlatform: "a/b/c/d" }, "PLATFORM_INVALID", "not a platform", "linux/arm64"],
    [{ compression: "zstd:20" }, "USAGE", "--compression zstd:20", "zstd:19"],
    [{ compression: "zstd:0" }, "USAGE", "--compression zstd:0", "zstd:1 "],
    [{ compression: "brotli" }, "USAGE", "--compression brotli", "zstd"],
    [{ compression: "gzip:10" }, "USAGE", "--compression gzip:10", "gzip:9"],
    [{ sourceDateEpoch: "yesterday" }, "USAGE", "source date epoch", "git log"],
    [{ sourceDateEpoch: "-1" }, "USAGE", "source date epoch", "git log"],
    [{ sourceDateEpoch: 1.5 }, "USAGE", "source date epoch", "git log"],
    [{ sourceDateEpoch: "999999999999" }, "USAGE", "source date epoch", "git log"],
  ])("%j are refused with code, message and hint", (flags, code, message, hint) => {
    expect(() => parse(flags)).toThrow(
      expect.objectContaining({
        code,
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      }),
    );
  });
});
