import { describe, expect, it } from "vitest";
import { type ComposeFileOptions, parseComposeFile } from "../../../src/frontends/plans.ts";
import { formatLocation } from "../../../src/model/location.ts";
import type { ComposePlan } from "../../../src/plan/compose-plan.ts";
import { formatCopySource } from "../../../src/plan/copy-source.ts";

/** A Build that says as little as it can; `runtime` and `spec` are further lines. */
function buildOf(
  runtime: readonly string[] = [],
  spec: readonly string[] = ["output: {image: r.example/app:1}"],
): string {
  return `apiVersion: shipwright.io/v1alpha1
kind: Build
metadata: {name: app}
spec:
  runtime:
    base: {image: r.example/base:1}
${runtime.map((line) => `    ${line}\n`).join("")}${spec.map((line) => `  ${line}\n`).join("")}`;
}

const paths = "paths: [/opt/app]";

function only(text: string, options: ComposeFileOptions = {}): ComposePlan {
  const [plan, ...more] = parseComposeFile(text, { name: "f", ...options });
  if (plan === undefined || more.length > 0) throw new Error(`${more.length + 1} plans`);
  return plan;
}

function names({ copies, targets }: ComposePlan) {
  return { builders: copies.map(({ from }) => formatCopySource(from)), targets: targets.map(formatLocation) };
}

describe("a Build", () => {
  it("as short as can be takes from its output image and replaces it", () => {
    const plan = only(buildOf([paths]));
    expect(names(plan)).toEqual({ builders: ["r.example/app:1"], targets: ["r.example/app:1"] });
    expect(plan).toMatchObject({
      base: { kind: "image", location: { reference: { repository: "base" } } },
      config: {},
      copies: [{ sources: ["/opt/app"], destination: "/opt/app", exclude: [], link: false }],
    });
  });

  it.each(["directories", "paths"])("has its paths below %s, each with or without a destination", (key) => {
    expect(only(buildOf([`${key}: [/a, "/b:/c", app]`])).copies).toMatchObject([
      { sources: ["/a"], destination: "/a" },
      { sources: ["/b"], destination: "/c" },
      { sources: ["app"], destination: "/app" },
    ]);
  });

  it("says with runtime and output what the image says", () => {
    const plan = only(
      buildOf(
        [
          paths,
          "workDir: /opt/app",
          "env: {JAVA_HOME: /java, PORT: 8080}",
          "labels: {a: runtime}",
          "entrypoint: [java, -jar, 1]",
        ],
        ["output: {image: r.example/app:1, labels: {a: output, b: output}, annotations: {c: d}}"],
      ),
    );
    expect(plan).toMatchObject({
      config: {
        workdir: "/opt/app",
        env: { JAVA_HOME: "/java", PORT: "8080" },
        labels: { a: "runtime", b: "output" },
        entrypoint: ["java", "-jar", "1"],
      },
      annotations: { c: "d" },
    });
  });

  it.each([
    ["{name: web, group: 1001}", "web:1001", { user: "web", group: 1001 }],
    ["{name: 1000}", "1000", { user: 1000 }],
  ])("gives what is copied to its user: %s", (user, expected, chown) => {
    const { config, copies } = only(buildOf([paths, `user: ${user}`]));
    expect(config.user).toBe(expected);
    expect(copies[0]?.chown).toEqual(chown);
  });

  it("may leave its images to flags", () => {
    const text = buildOf([paths], []).replace("    base: {image: r.example/base:1}\n", "");
    const flags = { base: "scratch", tag: ["r.example/x:1"] };
    expect(names(only(text, { flags }))).toEqual({ builders: ["r.example/x:1"], targets: ["r.example/x:1"] });
    expect(names(only(text, { flags: { ...flags, builder: "r.example/b:1" } }))).toEqual({
      builders: ["r.example/b:1"],
      targets: ["r.example/x:1"],
    });
    expect(names(only(buildOf([paths]), { flags }))).toEqual({
      builders: ["r.example/app:1"],
      targets: ["r.example/x:1"],
    });
  });

  it("has parameters put in, and keys of its own set", () => {
    const text = buildOf(['paths: ["$(workspace)/out:/app"]', "workDir: $(params.dir)"]);
    const plan = only(text, {
      set: ["workspace=/workspace/source", "params.dir=/app", "spec.output.image=r.example/new:1"],
    });
    expect(plan).toMatchObject({
      copies: [{ sources: ["/workspace/source/out"], destination: "/app" }],
      config: { workdir: "/app" },
    });
    expect(names(plan).targets).toEqual(["r.example/new:1"]);
  });

  it("may say of the build what it likes", () => {
    const spec = [
      "output: {image: r.example/app:1, credentials: {name: x}, pushSecret: y, insecure: false}",
      "source: {url: https://example.org/$(nothing), contextDir: x}",
      "strategy: {name: buildah, kind: ClusterBuildStrategy}",
      "builder: {image: x}",
      "dockerfile: Dockerfile",
      "timeout: 5m",
      "paramValues: [{name: a, value: $(b)}]",
    ];
    expect(names(only(buildOf([paths], spec))).targets).toEqual(["r.example/app:1"]);
  });

  it("may stand in one file with others", () => {
    const plans = parseComposeFile(`${buildOf([paths])}---\n${buildOf([paths]).replace("app:1", "app:2")}`);
    expect(plans.map((plan) => names(plan).targets)).toEqual([["r.example/app:1"], ["r.example/app:2"]]);
  });

  it.each<[text: string, message: string, hint: string, options?: ComposeFileOptions]>([
    [
      buildOf([paths, "run: [make]"]),
      "f:8:10: spec.runtime.run cannot be carried out: nothing is executed",
      "in the build or in the base",
    ],
    [
      buildOf(['paths: ["/a:/b:/c"]']),
      "f:7:13: spec.runtime.paths[0] /a:/b:/c: it has more than one colon",
      "SRC:DST",
    ],
    [buildOf(["paths: []"]), "f:7:12: spec.runtime.paths is an empty list", "list of paths"],
    [
      buildOf([paths, "directories: [/b]"]),
      "f:7:12: spec.runtime.paths and directories are two names",
      "below paths",
    ],
    [buildOf(["path: [/a]"]), '7:5: "path" is not a known key of spec.runtime', "Did you mean paths?"],
    [
      buildOf([paths, "workdir: /a"]),
      '8:5: "workdir" is not a known key of spec.runtime',
      "Did you mean workDir?",
    ],
    [
      buildOf(["paths: [/a:b]", "workDir: /w"]),
      "f:7:12: spec.runtime.paths has the relative destination b",
      "absolute",
    ],
    [
      buildOf([paths, "env: {PATH: /x:$PATH}"]),
      "f:8:17: spec.runtime.env.PATH refers to a variable",
      "value itself",
    ],
    [
      buildOf([paths, "labels: {a: '${B}'}"]),
      "f:8:17: spec.runtime.labels.a refers to a variable",
      "value itself",
    ],
    [
      buildOf([paths, "env: [{name: A, value: b}]"]),
      "f:8:10: spec.runtime.env has to be a mapping of texts, and is a list",
      "mapping",
    ],
    [buildOf([paths, "user: {group: x}"]), "f:8:11: spec.runtime.user lacks the key name", "name:"],
    [
      buildOf([paths, "user: web"]),
      "f:8:11: spec.runtime.user has to be a mapping with name, and is text",
      "mapping",
    ],
    [
      buildOf([paths, "user: {name: 'a:b', group: c}"]),
      'f:8:11: spec.runtime.user: malformed owner "a:b:c"',
      "user:group",
    ],
    [buildOf([paths, "entrypoint: java -jar"]), "f:8:17: spec.runtime.entrypoint has to be a list", "list"],
    [
      buildOf([paths, "workDir: $(workspace)"]),
      "f:8:14: spec.runtime.workDir needs the parameter $(workspace)",
      "--set workspace=VALUE",
    ],
    [buildOf([paths]), "--set worksapce: nothing in f asks for it", "$(worksapce)", { set: ["worksapce=x"] }],
    [buildOf([paths]), "--var A: nothing in f asks for it", "${A}", { variables: { A: "1" } }],
    [
      buildOf([paths], ["output: {image: r.example/app:1, insecure: true}"]),
      "f:8:46: spec.output.insecure is not taken",
      "--insecure HOST",
    ],
    [
      buildOf([paths], ["output: {image: r.example/app:1, timestamp: Zero}"]),
      "f:8:47: spec.output.timestamp is not known",
      "--source-date-epoch",
    ],
    [
      buildOf([paths], ["outptu: {image: r.example/app:1}"]),
      '8:3: "outptu" is not a known key of spec',
      "Did you mean output?",
    ],
    [buildOf([paths], []), "f:1:1: the document lacks spec.output.image", "--tag"],
    [buildOf(), "f:1:1: the document lacks spec.runtime.paths", "--directory"],
    [
      "apiVersion: build.dev/v1alpha1\nkind: Build\nspec: {output: {image: x}}\n",
      "f:3:7: spec lacks the key runtime",
      "runtime:",
    ],
    [
      "apiVersion: build.dev/v1alpha1\nkind: BuildStrategy\n",
      'has the kind "BuildStrategy" of "build.dev/v1alpha1"',
      "Shipwright's Build is, with apiVersion",
    ],
    [
      "apiVersion: build.openshift.io/v1\nkind: Build\n",
      'has the kind "Build" of "build.openshift.io/v1"',
      "Shipwright's Build is, with apiVersion",
    ],
    ["kind: Build\nspec: {}\n", 'has the kind "Build" of ""', "apiVersion"],
  ])("that is wrong is refused with place and hint (%#)", (text, message, hint, options) => {
    expect(() => only(text, options)).toThrow(
      expect.objectContaining({ code: "USAGE", hint: expect.stringContaining(hint) }),
    );
    expect(() => only(text, options)).toThrow(message);
  });
});
