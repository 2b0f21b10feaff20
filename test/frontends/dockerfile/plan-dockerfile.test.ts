import { describe, expect, it } from "vitest";
import { isDockerfile } from "../../../src/cli/dockerfile-options.ts";
import { formatPlans } from "../../../src/frontends/compose-file/format-plans.ts";
import { parseBuildContext } from "../../../src/frontends/dockerfile/build-contexts.ts";
import { parseDockerfile } from "../../../src/frontends/dockerfile/parse-dockerfile.ts";
import {
  type DockerfilePlanOptions,
  planDockerfile,
} from "../../../src/frontends/dockerfile/plan-dockerfile.ts";
import { parseComposeFlags } from "../../../src/frontends/flags/compose-flags.ts";
import { parseComposeFile } from "../../../src/frontends/plans.ts";
import { formatPlatform, hostPlatform } from "../../../src/model/platform.ts";
import type { ComposePlan } from "../../../src/plan/compose-plan.ts";
import { formatCopySource } from "../../../src/plan/copy-source.ts";

const planOf = (text: string, options: DockerfilePlanOptions = {}): ComposePlan =>
  planDockerfile(text, {
    context: { kind: "local", directory: "." },
    ...options,
    flags: { tag: ["t:1"], ...options.flags },
  });

describe("the plan of a Dockerfile", () => {
  it("is that of the flags that say the same", () => {
    const { expectations, ...plan } = planOf(
      'FROM a:1 AS x\nFROM b:1\nENV A=1\nLABEL l=m\nCOPY --from=x --chown=web:5 --chmod=640 /src /dst\nWORKDIR /dst\nEXPOSE 80\nUSER web\nENTRYPOINT ["e"]\nCMD ["c"]\n',
    );
    expect(expectations).toEqual([{ absent: "OnBuild", where: "Dockerfile:2:6" }]);
    const [copy, ...more] = plan.copies;
    const from = { ...copy?.from, expectations: undefined };
    expect(copy?.from).toMatchObject({ expectations: [{ absent: "OnBuild", where: "Dockerfile:1:6" }] });
    expect({ ...plan, copies: [{ ...copy, from }, ...more] }).toEqual(
      parseComposeFlags({
        ...{ builder: "a:1", base: "b:1", env: ["A=1"], label: ["l=m"], directory: ["/src:/dst"] },
        ...{ chown: "web:5", chmod: "640", workdir: "/dst", expose: ["80"], user: "web" },
        ...{ entrypoint: ["e"], cmd: ["c"], tag: ["t:1"] },
      }),
    );
  });

  it("has flags over what the file says", () => {
    const { config, copies, historyComment } = planOf("FROM b\nENV A=1 B=1\nUSER x\nCOPY a /a\n", {
      flags: { env: ["A=2"], user: "y", chmod: "0600", historyComment: "c" },
    });
    expect(config).toMatchObject({ env: { A: "2", B: "1" }, user: "y" });
    expect(copies).toMatchObject([{ chmod: 0o600 }]);
    expect(historyComment).toBe("c");
  });

  it("leaves variables of the base to the base, with what the file makes of them", () => {
    const { config } = planOf("FROM b\nARG A=1\nENV PATH=/x:$PATH\nENV B=$PATH:$A\n");
    expect(config.env).toMatchObject({
      PATH: { parts: ["/x:", { variable: "PATH" }], where: "Dockerfile:3:10" },
      B: { parts: ["/x:", { variable: "PATH" }, ":1"] },
    });
  });

  it("holds no argument that only decides what is taken", () => {
    const plan = planOf("FROM b\nARG SECRET\nLABEL a=${SECRET:+$HOME}\n", {
      buildArgs: { SECRET: "hidden-value" },
    });
    expect(JSON.stringify(plan)).not.toContain("hidden-value");
  });

  it("does not mind ONBUILD in an image that a stage is given as", () => {
    const { copies } = planOf("FROM a AS x\nRUN y\nFROM b\nCOPY --from=x /f /g\n", {
      buildContexts: [parseBuildContext("x=c:1")],
    });
    expect(copies[0]?.from).not.toHaveProperty("expectations");
  });

  it("takes from one object what several steps copy from, be it called otherwise", () => {
    const { copies } = planOf(
      "FROM a:1 AS x\nFROM b\nCOPY --from=x /a /a\nCOPY --from=docker.io/library/a:1 /b /b\nCOPY c /c\nCOPY d /d\n",
    );
    expect(new Set(copies.map(({ from }) => from)).size).toBe(2);
    expect(copies.map(({ from }) => formatCopySource(from))).toEqual([
      "docker.io/library/a:1",
      "docker.io/library/a:1",
      "local:.",
      "local:.",
    ]);
  });

  it("keeps the context apart from a build context of the same directory, which has other files of patterns", () => {
    const context = { kind: "local", directory: "./d", ignoreFiles: ["Dockerfile.dockerignore"] } as const;
    const { copies } = planOf("FROM b\nCOPY --from=more a /a\nCOPY a /b\n", {
      context,
      buildContexts: [parseBuildContext("more=./d")],
    });
    expect(copies.map(({ from }) => from)).toEqual([{ kind: "local", directory: "./d" }, context]);
  });

  it.each([
    ["without copies", "ENV A=1", []],
    ["with flags that are empty", "ARG U=\nCOPY --chown=$U --chmod= --exclude= a /x", ["a"]],
    [
      "from above the context, which is the context",
      "COPY .. ../../a/./b/ ./c/../d /x/",
      ["/", "/a/b/", "./c/../d"],
    ],
  ])("is printed as a file that says the same: %s", (_, lines, sources) => {
    const { expectations, ...plan } = planOf(`FROM b\n${lines}\n`);
    expect(plan.copies.flatMap((step) => step.sources)).toEqual(sources);
    expect(parseComposeFile(formatPlans([plan]))).toEqual([plan]);
  });

  it("copies from a stage that makes something, which is read once", () => {
    const { copies } = planOf("FROM a AS x\nCOPY f /f\nFROM b\nCOPY --from=x /f /g\nCOPY --from=0 /f /h\n");
    expect(copies[0]?.from).toBe(copies[1]?.from);
    expect(copies[0]?.from).toMatchObject({
      kind: "stage",
      stage: { name: "x", copies: [{ sources: ["f"] }] },
    });
  });

  it("has the platform that the file names, or that is asked for", () => {
    const platformOf = (text: string, platform?: string) => {
      const plan = planOf(text, { flags: platform === undefined ? {} : { platform } });
      return plan.platform && formatPlatform(plan.platform);
    };
    expect(platformOf("FROM b\n")).toBeUndefined();
    expect(platformOf("FROM --platform=linux/arm64 b\n")).toBe("linux/arm64");
    expect(platformOf("FROM --platform=$TARGETPLATFORM b\n", "linux/s390x")).toBe("linux/s390x");
    expect(platformOf("FROM b\nARG TARGETARCH\nLABEL a=$TARGETARCH\n")).toBe(formatPlatform(hostPlatform()));
    expect(
      planOf("FROM b\nARG TARGETVARIANT\nLABEL a=$TARGETVARIANT\n", { flags: { platform: "linux/arm/v6" } })
        .config,
    ).toMatchObject({ labels: { a: "v6" } });
  });

  it("has several platforms where the file says the same for each", () => {
    const several = { flags: { platform: "linux/amd64,linux/arm64" } };
    const plan = planOf(
      "FROM --platform=$BUILDPLATFORM a AS x\nFROM --platform=$TARGETPLATFORM b\nCOPY --from=x /f /g\n",
      several,
    );
    expect(plan.platforms).toHaveLength(2);
    expect(plan.platform).toBeUndefined();
    expect(planOf("FROM b\n", { flags: { platform: "all" } }).platforms).toBe("all");
    for (const platform of ["linux/amd64,linux/arm64", "all"]) {
      expect(() => planOf("FROM b\nARG TARGETARCH\nLABEL a=$TARGETARCH\n", { flags: { platform } })).toThrow(
        expect.objectContaining({ code: "USAGE", hint: expect.stringContaining("--append-platforms") }),
      );
    }
  });

  it("keeps the platform of a stage that has one of its own", () => {
    const { copies, platform } = planOf("FROM --platform=linux/arm64 a AS x\nFROM b\nCOPY --from=x /f /g\n", {
      flags: { platform: "linux/amd64" },
    });
    expect(copies[0]?.from).toMatchObject({
      kind: "stage",
      stage: { platform: { architecture: "arm64" }, copies: [] },
    });
    expect(platform).toMatchObject({ architecture: "amd64" });
  });

  it("is dated by the build argument that BuildKit knows", () => {
    expect(planOf("FROM b\n", { buildArgs: { SOURCE_DATE_EPOCH: "5" } }).sourceDateEpoch).toBe(5);
    expect(planOf("FROM b\n", { sourceDateEpoch: 7 }).sourceDateEpoch).toBe(7);
  });

  it("takes Docker's own arguments without an ARG, and those of stages that are not needed", () => {
    const buildArgs = { HTTP_PROXY: "http://p", BUILDKIT_INLINE_CACHE: "1", V: "2" };
    expect(planOf("FROM a AS x\nARG V\nRUN y\nFROM b\n", { buildArgs }).copies).toEqual([]);
  });

  it.each([
    ["alpine:3", "docker.io/library/alpine:3"],
    ["docker.io/library/alpine:3", "alpine:3"],
    ["Build", "build"],
    ["alpine", "alpine:latest"],
  ])("has %s replaced in FROM %s", (name, from) => {
    const { base } = planOf(`FROM ${from}\n`, { buildContexts: [parseBuildContext(`${name}=other:1`)] });
    expect(base).toMatchObject({ location: { reference: { repository: "library/other" } } });
  });

  it.each([
    ["x=r.example/a:1", "r.example/a:1"],
    ["x=docker-image://r.example/a:1", "r.example/a:1"],
    ["x=oci-layout://dir:tag", "oci:dir:tag"],
    ["x=oci:dir", "oci:dir"],
    ["x=./dir", "local:./dir"],
    ["x=/dir", "local:/dir"],
    ["x=.", "local:."],
    ["x=dir", "docker.io/library/dir:latest"],
  ])("takes from what --build-context %s says", (text, source) => {
    expect(formatCopySource(parseBuildContext(text).source)).toBe(source);
  });
});

describe("a Dockerfile's stages", () => {
  it("are listed with what they are built on, as written", () => {
    const { stages } = parseDockerfile("ARG A\nFROM $A AS One\nFROM --platform=$P one\n", "f");
    expect(stages.map(({ index, name, base }) => [index, name, base.text, base.at()])).toEqual([
      [0, "one", "$A", "f:2:6"],
      [1, undefined, "one", "f:3:20"],
    ]);
  });
});

describe("a file is taken for a Dockerfile", () => {
  it.each([
    ["Dockerfile", "", true],
    ["a/Dockerfile.prod", "", true],
    ["app.dockerfile", "", true],
    ["Containerfile", "", true],
    ["compose.yaml", "FROM x\n", false],
    ["<stdin>", "# c\n\nFROM x\n", true],
    ["<stdin>", "\uFEFFarg A=1\n", true],
    ["<stdin>", "from: x\n", false],
    ["<stdin>", "builder: x\n", false],
    ["x", "", false],
  ])("by the name %s and the content %j: %s", (name, text, expected) => {
    expect(isDockerfile(name, text)).toBe(expected);
  });
});
