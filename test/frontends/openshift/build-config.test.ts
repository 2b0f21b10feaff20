import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ComposeFileOptions, parseComposeFile } from "../../../src/frontends/plans.ts";
import { ComposeImageError } from "../../../src/model/errors.ts";
import { formatLocation } from "../../../src/model/location.ts";
import type { ComposePlan } from "../../../src/plan/compose-plan.ts";
import { formatCopySource } from "../../../src/plan/copy-source.ts";

interface Parts {
  readonly dockerfile?: string;
  readonly source?: string;
  readonly strategy?: string;
  readonly output?: string;
  readonly spec?: string;
  readonly metadata?: string;
}

/** A BuildConfig that says as little as it can: what is given stands in flow style, each on a line of its own. */
function configOf(parts: Parts = {}): string {
  const { dockerfile = "FROM r.example/base:1\\nCOPY src /run/", metadata = "{name: app, namespace: team}" } =
    parts;
  const {
    source = images,
    strategy = "{}",
    output = "{to: {kind: DockerImage, name: r.example/app:1}}",
  } = parts;
  return `apiVersion: build.openshift.io/v1
kind: BuildConfig
metadata: ${metadata}
spec:
  strategy: {dockerStrategy: ${strategy}}
  output: ${output}
  source:
    dockerfile: "${dockerfile}"
    ${source}
${parts.spec === undefined ? "" : `  ${parts.spec}\n`}`;
}

const images =
  "images: [{from: {kind: DockerImage, name: r.example/builder:1}, paths: [{sourcePath: /opt/src, destinationDir: .}]}]";

const registry = { imagestreamRegistry: "streams.example" };

function only(text: string, options: ComposeFileOptions = {}): ComposePlan {
  const [plan, ...more] = parseComposeFile(text, { name: "f", ...options });
  if (plan === undefined || more.length > 0) throw new Error(`${more.length + 1} plans`);
  return plan;
}

const baseOf = ({ base }: ComposePlan): string =>
  base.kind === "scratch" ? base.kind : formatLocation(base.location);

/** What the build context is filled from. */
function contextImages({ copies }: ComposePlan): unknown[] {
  return copies.flatMap(({ from }) =>
    from.kind === "stage"
      ? from.stage.copies.map((copy) => [formatCopySource(copy.from), copy.sources[0], copy.destination])
      : [],
  );
}

describe("a BuildConfig", () => {
  it("is its Dockerfile, with a build context from images", () => {
    const plan = only(configOf());
    expect(baseOf(plan)).toBe("r.example/base:1");
    expect(plan.targets.map(formatLocation)).toEqual(["r.example/app:1"]);
    expect(plan.copies).toMatchObject([{ sources: ["src"], destination: "/run/" }]);
    expect(contextImages(plan)).toEqual([["r.example/builder:1", "/opt/src", "/src"]]);
  });

  it("may name image streams, in its own namespace or another, by tag or by digest", () => {
    const digest = `sha256:${"0".repeat(64)}`;
    const paths = "paths: [{sourcePath: /a, destinationDir: b}]";
    const text = configOf({
      source: `images: [{from: {kind: ImageStreamTag, name: "builder:latest"}, ${paths}}, {from: {kind: ImageStreamImage, namespace: ci, name: "tools@${digest}"}, ${paths}}]`,
      strategy: '{from: {kind: ImageStreamTag, namespace: openshift, name: "nodejs:24"}}',
      output: '{to: {kind: ImageStreamTag, name: "app:2"}}',
    });
    const plan = only(text, registry);
    expect(baseOf(plan)).toBe("streams.example/openshift/nodejs:24");
    expect(plan.targets.map(formatLocation)).toEqual(["streams.example/team/app:2"]);
    expect(contextImages(plan)).toEqual([
      ["streams.example/team/builder:latest", "/a", "/b/a"],
      [`streams.example/ci/tools@${digest}`, "/a", "/b/a"],
    ]);
    const replaced = only(text, { ...registry, replace: ["streams.example/team=localhost:5000/x"] });
    expect(replaced.targets.map(formatLocation)).toEqual(["localhost:5000/x/app:2"]);
    expect(contextImages(replaced)[0]).toEqual(["localhost:5000/x/builder:latest", "/a", "/b/a"]);
  });

  it("may give images names for FROM and COPY --from", () => {
    const plan = only(
      configOf({
        dockerfile: "FROM runtime\\nCOPY --from=tools /bin/a /bin/",
        source:
          "images: [{from: {kind: DockerImage, name: r.example/tools:1}, as: [tools]}, {from: {kind: DockerImage, name: r.example/run:1}, as: [runtime]}]",
      }),
    );
    expect(baseOf(plan)).toBe("r.example/run:1");
    expect(plan.copies.map(({ from }) => formatCopySource(from))).toEqual(["r.example/tools:1"]);
  });

  it("replaces the last FROM alone, and sets its environment after each", () => {
    const plan = only(
      configOf({
        dockerfile:
          "FROM r.example/first:1 AS files\\nWORKDIR $HOME_DIR\\nFROM r.example/second:1\\nENV MODE=$MODE-x\\nCOPY --from=files $HOME_DIR/a /a",
        source: "images: []",
        strategy:
          "{from: {kind: DockerImage, name: r.example/other:1}, env: [{name: MODE, value: 'a \"b\" \\c'}, {name: HOME_DIR, value: /srv}, {name: EMPTY}]}",
      }),
    );
    expect(baseOf(plan)).toBe("r.example/other:1");
    expect(plan.config.env).toEqual({ MODE: 'a "b" \\c-x', HOME_DIR: "/srv", EMPTY: "" });
    expect(plan.copies).toMatchObject([
      { sources: ["/srv/a"], from: { stage: { config: { workdir: "/srv" } } } },
    ]);
  });

  it("gives its arguments to the Dockerfile, those of the command line before them, and its labels to the image", () => {
    const plan = only(
      configOf({
        dockerfile: "ARG TAG\\nFROM r.example/base:$TAG\\nARG NOTE=none\\nLABEL a=$NOTE b=file",
        strategy: "{buildArgs: [{name: TAG, value: 1.10}, {name: NOTE, value: theirs}]}",
        output:
          "{to: {kind: DockerImage, name: r.example/app:1}, imageLabels: [{name: b, value: config}, {name: c}]}",
      }),
      { buildArgs: { NOTE: "ours" } },
    );
    expect(baseOf(plan)).toBe("r.example/base:1.10");
    expect(plan.config.labels).toEqual({ a: "ours", b: "config", c: "" });
  });

  it("may leave its target to flags, and may be changed by --set", () => {
    const plan = only(configOf({ output: "{}" }), {
      flags: { tag: ["r.example/flag:1"] },
      set: ["spec.source.images[0].from.name=r.example/set:1"],
    });
    expect(plan.targets.map(formatLocation)).toEqual(["r.example/flag:1"]);
    expect(contextImages(plan)[0]).toEqual(["r.example/set:1", "/opt/src", "/src"]);
  });

  it("may say of the build what it likes, and nothing with null", () => {
    const strategy =
      "{noCache: true, forcePull: true, pullSecret: {name: a}, imageOptimizationPolicy: None, env: null}";
    const spec =
      "{triggers: [], runPolicy: Serial, resources: {}, postCommit: {}, nodeSelector: null, serviceAccount: x}";
    const text = configOf({ strategy, output: "{to: null, imageLabels: null, pushSecret: {name: x}}" });
    const plan = only(`${text.trimEnd()}\n  ${spec.slice(1, -1).split(", ").join("\n  ")}\nstatus: {}\n`, {
      flags: { tag: ["r.example/app:1"] },
    });
    expect(baseOf(plan)).toBe("r.example/base:1");
  });

  it("may be in a list, beside image streams", () => {
    const indented = configOf()
      .replaceAll(/^(?=.)/gm, "    ")
      .replace("    api", "  - api");
    const stream = "  - {apiVersion: image.openshift.io/v1, kind: ImageStream, metadata: {name: app}}\n";
    const list = `apiVersion: v1\nkind: List\nitems:\n${stream}${indented}`;
    expect(baseOf(only(list))).toBe("r.example/base:1");
    expect(() => only(list.replace("dockerStrategy: {}", "sourceStrategy: {}"))).toThrow(
      "f:9:34: items[1].spec.strategy.sourceStrategy cannot be carried out",
    );
    expect(() => only("apiVersion: v1\nkind: List\nitems: []\n")).toThrow('has the kind "List" of "v1"');
  });

  it("that comes of a right one by any accident is read, or refused with a place", () => {
    const right = configOf({
      dockerfile: "ARG A=1\\nFROM r.example/base:$A AS b\\nENV X=${X:-y}\\nCOPY --from=b src /run/",
      strategy: "{env: [{name: A, value: 'x'}], buildArgs: [{name: A, value: 2}]}",
    });
    const accident = fc.record({
      at: fc.nat(right.length),
      removed: fc.nat(12),
      put: fc.oneof(
        fc.string({ maxLength: 4 }),
        fc.constantFrom(
          "[",
          "{",
          ": ",
          "\n",
          "- ",
          "null",
          "/",
          "..",
          "$",
          "${",
          '\\"',
          "\\\\",
          "@",
          "kind",
          "sha256:",
        ),
      ),
    });
    fc.assert(
      fc.property(fc.array(accident, { minLength: 1, maxLength: 3 }), (accidents) => {
        let text = right;
        for (const { at, removed, put } of accidents)
          text = text.slice(0, at) + put + text.slice(at + removed);
        try {
          parseComposeFile(text, { name: "f", ...registry });
        } catch (error) {
          expect(error).toBeInstanceOf(ComposeImageError);
          expect(error).toMatchObject({ message: expect.stringMatching(/^f:\d+:\d+: /) });
        }
      }),
      { numRuns: 2000 },
    );
  });

  it.each<[text: string, message: string, hint: string, options?: ComposeFileOptions]>([
    // other ways of building
    [
      configOf().replace("{dockerStrategy: {}}", "{sourceStrategy: {from: {}}}"),
      "f:5:30: spec.strategy.sourceStrategy cannot be carried out: nothing is built here",
      "dockerStrategy and source.images",
    ],
    [
      configOf().replace("{dockerStrategy: {}}", "{type: Docker}"),
      "f:5:13: spec.strategy lacks the key dockerStrategy",
      "dockerStrategy:",
    ],
    [
      configOf({ source: "git: {uri: https://example.org/x}" }),
      "f:9:10: spec.source.git would be in the build context",
      "with images",
    ],
    [
      configOf({ source: "binary: {}" }),
      "f:9:13: spec.source.binary would be in the build context",
      "images",
    ],
    [
      configOf({ source: "contextDir: app" }),
      "f:9:17: spec.source.contextDir is not followed",
      "Leave it out",
    ],
    [configOf({ source: "secrets: [{}]" }), "f:9:14: spec.source.secrets would be in the build", "secret"],
    [
      configOf({ source: "configMaps: [{}]" }),
      "f:9:17: spec.source.configMaps would be in the build",
      "images",
    ],
    [
      configOf({ strategy: "{dockerfilePath: a/Dockerfile}" }),
      "f:5:47: spec.strategy.dockerStrategy.dockerfilePath names a Dockerfile in the build context",
      "source.dockerfile",
    ],
    [
      configOf({ spec: "postCommit: {script: make test}" }),
      "f:10:15: spec.postCommit cannot be carried out: nothing is executed here",
      "Try the image out",
    ],
    // keys
    [
      configOf({ source: "image: []" }),
      'f:9:5: "image" is not a known key of spec.source',
      "Did you mean images?",
    ],
    [
      configOf().replace(/ {4}dockerfile:.*\n/, ""),
      "f:8:5: spec.source lacks the key dockerfile",
      "dockerfile:",
    ],
    [
      configOf({ strategy: "{env: [{name: A, valueFrom: {}}]}" }),
      "f:5:58: spec.strategy.dockerStrategy.env[0].valueFrom is known in a cluster alone",
      "Write value:",
    ],
    [
      configOf({ strategy: "{env: [{name: a b}]}" }),
      'f:5:37: spec.strategy.dockerStrategy.env[0] has the name "a b"',
      "letters",
    ],
    // images
    [
      configOf({ source: "images: [{from: {kind: ImageStream, name: a}, as: [b]}]" }),
      'f:9:21: spec.source.images[0].from has the kind "ImageStream"',
      "ImageStreamTag and ImageStreamImage",
    ],
    [
      configOf({ source: "images: [{from: {kind: DockerImage, name: a, namespace: b}, as: [b]}]" }),
      "f:9:21: spec.source.images[0].from has a namespace",
      "below name",
    ],
    [
      configOf({ source: "images: [{from: {kind: ImageStreamTag, name: a}, as: [b]}]" }),
      'f:9:21: spec.source.images[0].from has the name "a", which is not NAME:TAG',
      "NAME:TAG",
      registry,
    ],
    [
      configOf({ source: 'images: [{from: {kind: ImageStreamImage, name: "a:b"}, as: [b]}]' }),
      'f:9:21: spec.source.images[0].from has the name "a:b", which is not NAME@sha256',
      "NAME@sha256",
      registry,
    ],
    [
      configOf({ source: 'images: [{from: {kind: ImageStreamTag, name: "a:b"}, as: [b]}]' }),
      "f:9:21: spec.source.images[0].from: nothing says what image team/a:b is",
      "--imagestream-registry HOST",
    ],
    [
      configOf({ source: 'images: [{from: {kind: ImageStreamTag, name: "a:b"}, as: [b]}]', metadata: "{}" }),
      "f:9:21: spec.source.images[0].from does not say which namespace",
      "metadata",
      registry,
    ],
    [
      configOf({ source: "images: [{from: {kind: DockerImage, name: A}, as: [b]}]" }),
      "f:9:21: spec.source.images[0].from: malformed reference",
      "lower case",
    ],
    [
      configOf({ source: "images: [{from: {kind: DockerImage, name: a}}]" }),
      "f:9:14: spec.source.images[0] has neither paths nor as",
      "below paths",
    ],
    [
      configOf({ source: images.replace("/opt/src", "src") }),
      "f:9:77: spec.source.images[0].paths[0]: the source src is not an absolute path",
      "root",
    ],
    [
      configOf({ source: images.replace("Dir: .", "Dir: /a") }),
      "f:9:77: spec.source.images[0].paths[0]: the destination /a is not relative",
      "build context",
    ],
    [
      configOf({ source: images.replace("Dir: .", "Dir: ../a") }),
      "f:9:77: spec.source.images[0].paths[0]: the destination ../a lies outside",
      "without ..",
    ],
    [
      configOf({ source: "images: [{from: {kind: DockerImage, name: a}, as: [tols]}]" }),
      "f:1:1: spec.source.images: as tols: f:8:17: spec.source.dockerfile has no stage or image",
      "name",
    ],
    [
      configOf({ output: `{to: {kind: DockerImage, name: "a@sha256:${"0".repeat(64)}"}}` }),
      "f:6:16: spec.output.to docker.io/library/a@sha256:",
      "from @ on",
    ],
    // the Dockerfile
    [
      configOf({ dockerfile: "FROM scratch\\nRUN make" }),
      "f:8:17: spec.source.dockerfile:2:1: RUN would execute something",
      "base image",
    ],
    [
      configOf({ dockerfile: "FROM a AS build\\nRUN make\\nFROM b\\nCOPY --from=build /a /b" }),
      "f:8:17: spec.source.dockerfile:2:1: RUN would execute something",
      "name the image: an item of spec.source.images with as: [build].",
    ],
    [configOf(), "--builder has no meaning with a BuildConfig", "--replace", { flags: { builder: "a:1" } }],
    [configOf(), "--base has no meaning with a BuildConfig", "--set", { flags: { base: "a:1" } }],
    [configOf(), "--directory has no meaning with", "--set", { flags: { directory: ["/a"] } }],
    [
      configOf(),
      "--builder-from-repository has no meaning with",
      "--set",
      { buildRoot: { namespace: "a", name: "b", tag: "c", what: "f" } },
    ],
    [
      configOf({ strategy: "{buildArgs: [{name: TAGG, value: x}]}", dockerfile: "ARG TAG=1\\nFROM a:$TAG" }),
      "f:1:1: spec.strategy.dockerStrategy.buildArgs: TAGG: no ARG of",
      "Did you mean TAG?",
    ],
    [
      configOf(),
      "--build-arg X: no ARG of f:8:17: spec.source.dockerfile",
      "ARG X",
      { buildArgs: { X: "1" } },
    ],
    [configOf({ output: "{}" }), "f:1:1: the document lacks spec.output.to", "--tag"],
    [configOf(), "--set X: nothing in f asks for it", "spec.output.to.name", { set: ["X=1"] }],
    [configOf(), "--var X: nothing in f asks for it", "compose.yaml", { variables: { X: "1" } }],
    [
      configOf().replace("build.openshift.io/v1", "build.openshift.io/v2"),
      'f:1:1: the document is a BuildConfig of "build.openshift.io/v2"',
      "build.openshift.io/v1",
    ],
  ])("that is wrong is refused with place and hint (%#)", (text, message, hint, options) => {
    expect(() => only(text, options)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      }),
    );
  });
});
