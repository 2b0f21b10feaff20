import { describe, expect, it } from "vitest";
import {
  type BuilderStageOptions,
  builderOfDockerfile,
} from "../../../src/frontends/ci-operator/builder-of-dockerfile.ts";
import { formatLocation } from "../../../src/model/location.ts";
import { parseRegistryName } from "../../../src/model/reference.ts";
import { parseReplacement } from "../../../src/plan/replace-references.ts";

/** A Dockerfile as OpenShift's repositories have them for promotion. */
const promoted = `ARG GO=1.24
FROM registry.ci.openshift.org/ocp/builder:golang-$GO AS builder
WORKDIR /go/src
COPY . .
RUN make build

FROM builder AS tests
RUN make test

FROM registry.ci.openshift.org/ocp/4.20:base
COPY --from=builder /go/src/app /usr/bin/
`;

const builderOf = (text: string, options: Partial<BuilderStageOptions> = {}): string =>
  formatLocation(builderOfDockerfile(text, { name: "Dockerfile", ...options }));

describe("the builder that a Dockerfile names", () => {
  it.each([
    [undefined, "registry.ci.openshift.org/ocp/4.20:base"],
    ["last", "registry.ci.openshift.org/ocp/4.20:base"],
    ["2", "registry.ci.openshift.org/ocp/4.20:base"],
    ["first", "registry.ci.openshift.org/ocp/builder:golang-1.24"],
    ["0", "registry.ci.openshift.org/ocp/builder:golang-1.24"],
    ["Builder", "registry.ci.openshift.org/ocp/builder:golang-1.24"],
    ["tests", "registry.ci.openshift.org/ocp/builder:golang-1.24"],
  ])("with --stage %s is what that stage is built on in the end", (stage, expected) => {
    expect(builderOf(promoted, { stage })).toBe(expected);
  });

  it("depends on the values of its ARGs", () => {
    expect(builderOf(promoted, { stage: "first", buildArgs: { GO: "1.25" } })).toMatch(/:golang-1\.25$/);
  });

  it("is returned as it was before replacements, which only the registry is looked at after", () => {
    const options = {
      replacements: [parseReplacement("registry.ci.openshift.org/ocp=quay.io/openshift")],
      allowed: [parseRegistryName("quay.io/openshift")],
    };
    expect(builderOf(promoted, options)).toBe("registry.ci.openshift.org/ocp/4.20:base");
  });

  it.each([
    ["registry.ci.openshift.org"],
    ["registry.ci.openshift.org/ocp"],
    ["registry.ci.openshift.org/ocp/4.20"],
  ])("may be in a registry that is allowed: %s", (name) => {
    expect(builderOf(promoted, { allowed: [parseRegistryName(name)] })).toMatch(/:base$/);
  });

  it("may be of the same name as first or last, where that is the same stage", () => {
    expect(builderOf("FROM a AS first\nFROM b AS last\n", { stage: "first" })).toBe(
      "docker.io/library/a:latest",
    );
    expect(builderOf("FROM a AS first\nFROM b AS last\n", { stage: "last" })).toBe(
      "docker.io/library/b:latest",
    );
  });

  it.each<[text: string, options: Partial<BuilderStageOptions>, message: string, hint: string]>([
    [
      promoted,
      { stage: "bulider" },
      "--stage bulider: Dockerfile has no such stage",
      "Did you mean builder? It has 0 (builder), 1 (tests), 2.",
    ],
    [promoted, { stage: "3" }, "--stage 3: Dockerfile has no such stage", "0 (builder), 1 (tests), 2"],
    [promoted, { stage: "" }, "--stage : Dockerfile has no such stage", "0 (builder), 1 (tests), 2"],
    [
      "FROM a\nFROM b AS first\n",
      { stage: "first" },
      "--stage first may mean the first stage, at Dockerfile:1:6, or the one of that name, at Dockerfile:2:6",
      "Give its position: 0, 1 (first).",
    ],
    [
      "FROM a AS last\nFROM b\n",
      { stage: "last" },
      "--stage last may mean the last stage, at Dockerfile:2:6, or the one of that name, at Dockerfile:1:6",
      "Give its position: 0 (last), 1.",
    ],
    [
      "FROM golang AS build\nFROM scratch\n",
      {},
      "Dockerfile:2:6: scratch is no image to take files from",
      "--stage 0 (build), 1",
    ],
    ["ARG BASE\nFROM $BASE\n", {}, "Dockerfile:2:6: $BASE is empty", "--build-arg NAME=VALUE"],
    ["FROM a/B\n", {}, "Dockerfile:1:6: FROM: malformed reference", "lower case"],
    [
      promoted,
      { allowed: [parseRegistryName("quay.io"), parseRegistryName("registry.ci.openshift.org/ocp/4.2")] },
      "Dockerfile:10:6: registry.ci.openshift.org/ocp/4.20:base is in no registry that is allowed",
      "--allow-registry HOST",
    ],
    [
      "FROM golang:1.24\n",
      { allowed: [parseRegistryName("quay.io")] },
      "Dockerfile:1:6: docker.io/library/golang:1.24 is in no registry that is allowed",
      "--replace FROM=TO",
    ],
    [
      "FROM oci:dir\n",
      { allowed: [parseRegistryName("quay.io")] },
      "Dockerfile:1:6: oci:dir is in no registry that is allowed",
      "--allow-registry",
    ],
    [
      promoted,
      { buildArgs: { GOO: "1" } },
      "--build-arg GOO: no ARG of Dockerfile takes it",
      "Did you mean GO?",
    ],
    ["RUN x\n", {}, "Dockerfile:1:1: RUN comes before the first FROM", "FROM"],
    ["", {}, "Dockerfile:1:1", "FROM"],
  ])("that cannot be told is refused with place and hint (%#)", (text, options, message, hint) => {
    expect(() => builderOf(text, options)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      }),
    );
  });
});
