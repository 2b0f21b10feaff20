import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseBuildContext } from "../../../src/frontends/dockerfile/build-contexts.ts";
import {
  type DockerfilePlanOptions,
  planDockerfile,
} from "../../../src/frontends/dockerfile/plan-dockerfile.ts";
import { ComposeImageError } from "../../../src/model/errors.ts";
import { wrongDockerfiles } from "./wrong-dockerfiles.ts";

const options: DockerfilePlanOptions = {
  name: "f",
  context: { kind: "local", directory: "." },
  flags: { tag: ["t:1"] },
};

describe("a wrong Dockerfile", () => {
  it.each(wrongDockerfiles)(
    "is refused with place and hint: $text",
    ({ text, message, hint, code = "USAGE" }) => {
      expect(() => planDockerfile(text, options)).toThrow(`f:${message}`);
      expect(() => planDockerfile(text, options)).toThrow(
        expect.objectContaining({ code, hint: expect.stringContaining(hint) }),
      );
    },
  );

  it("that comes of a right one by any accident is read, or refused with a place", () => {
    const right = `# escape=\\\nARG V=1\nFROM a:\${V#0} AS x\nENV A=1 \\\n  B="$A"'c'\nFROM b\nCOPY --from=x --chown=1:2 ["/a","/b/"]\nARG V\nHEALTHCHECK --interval=1s CMD x\nLABEL a=\${V:-x} "b c"=d\nEXPOSE 80\nWORKDIR $HOME/x\nCMD a\n`;
    const accident = fc.record({
      at: fc.nat(right.length),
      removed: fc.nat(12),
      put: fc.oneof(
        fc.string({ maxLength: 4 }),
        fc.constantFrom(
          "$",
          "${",
          "}",
          "'",
          '"',
          "\\\n",
          "\n",
          "`",
          "--",
          "<<E",
          "[",
          "]",
          "# ",
          "\t",
          "=",
          "FROM ",
        ),
      ),
    });
    fc.assert(
      fc.property(fc.array(accident, { minLength: 1, maxLength: 3 }), (accidents) => {
        let text = right;
        for (const { at, removed, put } of accidents)
          text = text.slice(0, at) + put + text.slice(at + removed);
        try {
          planDockerfile(text, options);
        } catch (error) {
          expect(error).toBeInstanceOf(ComposeImageError);
          expect(error).toMatchObject({ message: expect.stringMatching(/^f:\d+:\d+: /) });
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("whose variables double each other is refused before they fill the memory", () => {
    const lines = Array.from({ length: 60 }, (_, i) => `ENV A${i + 1}=$A${i}$A${i}`);
    expect(() => planDockerfile(`FROM b:1\nENV A0=x\n${lines.join("\n")}\n`, options)).toThrow(
      "its variables make it longer than a MiB",
    );
  });

  it.each<[text: string, options: DockerfilePlanOptions, message: string, hint: string]>([
    [
      "FROM b\nARG VERSION\n",
      { buildArgs: { VERSOIN: "1" } },
      "--build-arg VERSOIN: no ARG of f takes it",
      "Did you mean VERSION?",
    ],
    ["FROM b\n", { buildArgs: { X: "1" } }, "--build-arg X: no ARG of f takes it", "Write ARG X"],
    ["FROM b AS build\n", { target: "biuld" }, "--target biuld: f has no such stage", "Did you mean build?"],
    ["FROM b\n", { target: "x" }, "--target x: f has no such stage", "have no names"],
    [
      "FROM b AS build\n",
      { buildContexts: [parseBuildContext("biuld=x:1")] },
      "--build-context biuld: f has no stage or image of that name",
      "Did you mean build?",
    ],
    [
      "FROM b AS build\n",
      { buildContexts: [parseBuildContext("build=x:1"), parseBuildContext("BUILD=x:2")] },
      "--build-context BUILD comes twice",
      "Keep one",
    ],
    [
      "FROM b\nCOPY a /b\n",
      { context: undefined },
      "f:2:1: there is no context to copy from",
      "--context DIR",
    ],
    ["FROM b\n", { flags: {} }, "f does not say where to push to", "--tag"],
    [
      "FROM b\n",
      { flags: { builder: "x:1", tag: ["t"] } },
      "--builder has no meaning with a Dockerfile",
      "--build-context",
    ],
    [
      "FROM b\n",
      { flags: { directory: ["/x"], tag: ["t"] } },
      "--directory has no meaning",
      "--build-context",
    ],
    [
      "FROM --platform=linux/arm64 b\n",
      { flags: { platform: "linux/amd64", tag: ["t"] } },
      "f:1:17: the stage is for linux/arm64, and linux/amd64 is asked for",
      "$TARGETPLATFORM",
    ],
    [
      "FROM b\n",
      { buildArgs: { SOURCE_DATE_EPOCH: "x" } },
      "--build-arg SOURCE_DATE_EPOCH: the source date epoch",
      "seconds",
    ],
  ])("or options that do not go with it: %j %j", (text, changes, message, hint) => {
    expect(() => planDockerfile(text, { ...options, ...changes })).toThrow(
      expect.objectContaining({
        code: "USAGE",
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      }),
    );
  });

  it.each([
    ["x", "--build-context x is not NAME=IMAGE", "Write the name"],
    ["=x", "--build-context =x is not NAME=IMAGE", "Write the name"],
    ["a=https://x.example/y.git", "--build-context a: https:// is not read here", "oci-layout://"],
    ["a=X:1", "--build-context a: malformed reference", "lower case"],
  ])("or with --build-context %s", (text, message, hint) => {
    expect(() => parseBuildContext(text)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      }),
    );
  });
});
