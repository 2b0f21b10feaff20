import { describe, expect, it } from "vitest";
import { parseConfig, scratchConfig } from "../../src/model/config.ts";
import { digestOf } from "../../src/model/digest.ts";

const diffId = digestOf(Buffer.from("x"));
const parse = (document: unknown) => parseConfig(Buffer.from(JSON.stringify(document)), "the image");

describe("a configuration", () => {
  it("is read with all it knows, and keeps the whole document", () => {
    const document = {
      created: "2026-01-02T03:04:05Z",
      architecture: "arm64",
      os: "linux",
      variant: "v8",
      "os.version": "1",
      config: { Env: ["A=1"], Cmd: ["x"], Healthcheck: { Test: ["CMD", "x"] } },
      rootfs: { type: "layers", diff_ids: [diffId] },
      history: [{ created_by: "x", future: true }],
      future: { field: [1] },
    };
    expect(parse(document)).toEqual({
      document,
      platform: { os: "linux", architecture: "arm64", variant: "v8", "os.version": "1" },
      diffIds: [diffId],
      history: [{ created_by: "x", future: true }],
      created: "2026-01-02T03:04:05Z",
      execution: { Env: ["A=1"], Cmd: ["x"], Healthcheck: { Test: ["CMD", "x"] } },
    });
  });

  it.each([
    {},
    { config: null, rootfs: null, history: null, created: null, variant: null, os: "", architecture: "" },
  ])("%j has defaults for what is absent", (document) => {
    expect(parse(document)).toMatchObject({
      platform: { os: "linux", architecture: "amd64" },
      diffIds: [],
      history: [],
      created: undefined,
      execution: {},
    });
  });

  it("drops nulls of what a container starts with", () => {
    expect(
      parse({ config: { Env: null, Entrypoint: null, Volumes: null, OnBuild: null, User: "" } }).execution,
    ).toEqual({
      User: "",
    });
  });

  it.each<[string, unknown]>([
    ["rootfs", { rootfs: [] }],
    ["diff_ids", { rootfs: { diff_ids: "x" } }],
    ["diff_ids", { rootfs: { diff_ids: ["sha256:1"] } }],
    ["history", { history: {} }],
    ["history", { history: [null] }],
    ["config", { config: [] }],
    ["Env", { config: { Env: "A=1" } }],
    ["Env", { config: { Env: [1] } }],
    ["Labels", { config: { Labels: { a: 1 } } }],
    ["Entrypoint", { config: { Entrypoint: "sh" } }],
    ["Cmd", { config: { Cmd: [["sh"]] } }],
    ["WorkingDir", { config: { WorkingDir: 1 } }],
    ["User", { config: { User: 1000 } }],
    ["ExposedPorts", { config: { ExposedPorts: ["80/tcp"] } }],
    ["Volumes", { config: { Volumes: { "/x": 1 } } }],
    ["os", { os: 1 }],
    ["architecture", { architecture: [] }],
    ["variant", { variant: 7 }],
    ["created", { created: 0 }],
    ["JSON object", []],
  ])("with malformed %s is refused", (what, document) => {
    expect(() => parse(document)).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: expect.stringMatching(new RegExp(`^config of the image: .*${what}`)),
      }),
    );
  });

  it("that is no JSON is refused", () => {
    for (const bytes of [Buffer.from(""), Buffer.from("\x1f\x8b"), Buffer.from('{"a": "\xff"}', "latin1")])
      expect(() => parseConfig(bytes, "it")).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });

  it("for scratch has no layers and the platform asked for", () => {
    const config = scratchConfig({ os: "linux", architecture: "arm", variant: "v7" });
    expect(config.document).toEqual({
      architecture: "arm",
      os: "linux",
      variant: "v7",
      config: {},
      rootfs: { type: "layers", diff_ids: [] },
    });
    expect(scratchConfig({ os: "linux", architecture: "amd64" }).document).not.toHaveProperty("variant");
  });
});
