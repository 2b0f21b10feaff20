import { describe, expect, it } from "vitest";
import { readBuildRoot } from "../../../src/frontends/ci-operator/build-root.ts";
import { type ComposeFileOptions, parseComposeFile } from "../../../src/frontends/plans.ts";
import { formatCopySource } from "../../../src/plan/copy-source.ts";

const name = "/repo/.ci-operator.yaml";
const right = "build_root_image:\n  namespace: openshift\n  name: release\n  tag: golang-1.14\n";

describe("the .ci-operator.yaml of a repository", () => {
  it("names the image stream that the repository is built in", () => {
    expect(readBuildRoot(right, name)).toEqual({
      namespace: "openshift",
      name: "release",
      tag: "golang-1.14",
      what: "/repo/.ci-operator.yaml:2:3: build_root_image",
    });
  });

  it("may have a tag that looks like a number, as it is written", () => {
    expect(readBuildRoot(right.replace("golang-1.14", "1.10"), name).tag).toBe("1.10");
  });

  it("may say other things beside it", () => {
    const more = `${right}  as: root\nfuture: {setting: [1]}\n`;
    expect(readBuildRoot(more, name)).toMatchObject({ name: "release" });
  });

  it.each<[text: string, message: string, hint: string]>([
    ["", ":1:1: there is nothing in it", "build_root_image: {namespace:"],
    ["# later\n", ":1:1: there is nothing in it", "build_root_image: {namespace:"],
    [
      "openshift/release:golang-1.14\n",
      ":1:1: the document has to be a mapping with build_root_image, and is text",
      "a mapping",
    ],
    ["- a\n", ":1:1: the document has to be a mapping with build_root_image, and is a list", "a mapping"],
    ["{}\n", ":1:1: the document lacks the key build_root_image", "Write build_root_image:"],
    [
      "build_root:\n  from_repository: true\n",
      ":1:1: the document lacks the key build_root_image",
      "ci-operator's own configuration",
    ],
    ["buildRootImage: {}\n", ":1:1: the document lacks the key build_root_image", "Is buildRootImage meant"],
    [
      "build_root_image: openshift/release:golang-1.14\n",
      ":1:19: build_root_image has to be a mapping with namespace, name and tag, and is text",
      "a mapping",
    ],
    ["build_root_image:\n", ":1:18: build_root_image has to be a mapping", "a mapping"],
    [right.replace(/ {2}tag.*\n/, ""), ":2:3: build_root_image lacks the key tag", "Write tag: there"],
    [right.replace(/ {2}name: .*\n/, ""), ":2:3: build_root_image lacks the key name", "Write name: there"],
    [
      right.replace(/ {2}namespace.*\n/, ""),
      ":2:3: build_root_image lacks the key namespace",
      "Write namespace: there",
    ],
    [right.replace("golang-1.14", '""'), ":4:8: build_root_image.tag is empty", "are all needed"],
    [
      right.replace(" golang-1.14", ""),
      ":4:7: build_root_image.tag has to be a tag, and is nothing",
      "Write a tag",
    ],
    [
      right.replace("openshift", "[a]"),
      ":2:14: build_root_image.namespace has to be a namespace",
      "a namespace",
    ],
    [
      right.replace("name:", "nmae:"),
      ':3:3: "nmae" is not a known key of build_root_image',
      "Did you mean name?",
    ],
    [`${right}---\n${right}`, ":6:1: the document is a second one", "one of them"],
    [`${right}  tag: x\n`, ":5:3", "indentation"],
    ["build_root_image: {", ":1:", "indentation"],
  ])("that is wrong is refused with its path, line and column (%#)", (text, message, hint) => {
    expect(() => readBuildRoot(text, name)).toThrow(
      expect.objectContaining({
        code: "USAGE",
        message: expect.stringContaining(`${name}${message}`),
        hint: expect.stringContaining(hint),
      }),
    );
  });
});

describe("a compose.yaml with the builder from a repository", () => {
  const file = "base: scratch\ncopy: [/a]\ntags: [r.example/app:1]\n";
  const buildRoot = readBuildRoot(right, name);
  const builderOf = (text: string, options: ComposeFileOptions): string | undefined => {
    const [plan] = parseComposeFile(text, { name: "f", buildRoot, ...options });
    return plan?.copies[0] && formatCopySource(plan.copies[0].from);
  };

  it("takes it from the registry of the image streams, in place of the file's", () => {
    const options = { imagestreamRegistry: "registry.ci.openshift.org" };
    expect(builderOf(`${file}builder: other:1\n`, options)).toBe(
      "registry.ci.openshift.org/openshift/release:golang-1.14",
    );
  });

  it("takes it by the file's imagestreams, in which variables are put, and replaces references", () => {
    const mapping = 'imagestreams: {"openshift/release:golang-1.14": "go.example/golang:${V}"}\n';
    const options = { variables: { V: "1.14" }, replace: ["go.example=localhost:5000"] };
    expect(builderOf(file + mapping, options)).toBe("localhost:5000/golang:1.14");
  });

  it.each<[more: string, options: ComposeFileOptions, message: string, hint: string]>([
    ["", {}, `${name}:2:3: build_root_image: nothing says what image`, "--imagestream-registry HOST"],
    [
      'imagestreams: {"openshift/release:golang-1.15": a}\n',
      {},
      `${name}:2:3: build_root_image: nothing says what image`,
      "imagestreams",
    ],
    [
      "imagestreams: {release: a}\n",
      {},
      'f:4:16: "release" is no name of imagestreams',
      "namespace/name:tag",
    ],
    [
      "imagestreams: [a]\n",
      {},
      "f:4:15: imagestreams has to be a mapping of image streams to images",
      "mapping",
    ],
    ["", { imagestreamRegistry: "http://a/b:c" }, "--imagestream-registry: ", "no tag"],
  ])("is refused where that cannot be found: %j %j", (more, options, message, hint) => {
    expect(() => builderOf(file + more, options)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      }),
    );
  });
});
