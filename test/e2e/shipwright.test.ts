import { afterAll, beforeAll, expect, test } from "vitest";
import { createBuildah } from "../support/buildah.ts";
import { type ComposeScene, composeScene } from "../support/compose-scene.ts";
import { imageOutcome } from "../support/copy-peers.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { diffOutcomes, formatImageDifferences } from "../support/image-diff.ts";
import { makeImage, pushMade } from "../support/make-image.ts";
import { readImage } from "../support/read-image.ts";
import { runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

/** The example of the proposal, as it stands there. */
const proposed = `---
apiVersion: build.dev/v1alpha1
kind: Build
# ...
spec:
  runtime:
    base:
      image: runtime-base-image:latest
    workDir: /workspace/source
    env:
      JAVA_HOME: /path/to/java-home
    labels:
      custom-image-label: value
    directories:
      - /path/to/directory
      - /path/to/another/directory:/target/location
    entrypoint:
      - java
      - -jar
      - ...
`;

/** What the proposal has Shipwright make of it. */
const generated = `FROM localhost/output-image:tag as builder

FROM localhost/runtime-base-image:latest
ENV JAVA_HOME=/path/to/java-home
LABEL custom-image-label=value
COPY --from=builder "/path/to/directory" "/path/to/directory"
COPY --from=builder "/path/to/another/directory" "/target/location"
WORKDIR "/workspace/source"
ENTRYPOINT [ "java", "-jar", "..." ]
`;

const output = makeImage({
  layers: [
    {
      files: [
        { path: "path/" },
        { path: "path/to/" },
        { path: "path/to/directory/", mode: 0o750, uid: 1001 },
        { path: "path/to/directory/app.jar", content: "jar", mode: 0o640, uid: 1001, gid: 1001 },
        { path: "path/to/directory/latest", linkname: "app.jar" },
        { path: "path/to/another/" },
        { path: "path/to/another/directory/" },
        { path: "path/to/another/directory/conf/" },
        { path: "path/to/another/directory/conf/app.properties", content: "a=b" },
        { path: "root/" },
        { path: "root/.m2/" },
        { path: "root/.m2/cache", content: "large" },
      ],
    },
  ],
  execution: { Env: ["MAVEN=3"], Entrypoint: ["/bin/build"] },
});

const base = makeImage({
  layers: [
    {
      files: [
        { path: "etc/" },
        { path: "etc/passwd", content: "root:x:0:0::/:/bin/sh\n" },
        { path: "usr/" },
        { path: "usr/bin/" },
        { path: "usr/bin/java", content: "java", mode: 0o755 },
      ],
    },
  ],
  execution: { Env: ["PATH=/usr/bin"], Cmd: ["/bin/sh"] },
});

describeWith(["cli"], "the Build of Shipwright's proposal, as it stands", () => {
  let scene: ComposeScene;

  beforeAll(async () => {
    scene = await composeScene(await startEmbeddedRegistry());
  });
  afterAll(() => scene.stop());

  /** Pushes both images below a folder of the registry, and composes there, by way of the proxy. */
  async function composeIn(folder: string, args: readonly string[] = []): Promise<string> {
    await pushMade(output, scene.registry.url, `${folder}/output-image:tag`);
    await pushMade(base, scene.registry.url, `${folder}/runtime-base-image:latest`);
    scene.proxy.forget();
    const replace = `docker.io/library=${scene.proxy.host}/${folder}`;
    const options = ["--tag", "output-image:tag", "--replace", replace, ...args];
    const result = await runCli(["-f", "-", ...options], { input: proposed });
    expect(result, result.stderr).toMatchObject({ status: 0 });
    return `${scene.registry.host}/${folder}/output-image:tag`;
  }

  test("takes the directories out of the image that was built, and replaces it by the lean one", async () => {
    const image = await readImage(await composeIn("proposal"));
    const files = [...image.top.entries].map(([path, { header }]) => [path, header.mode, header.uid]);
    expect(files).toEqual(
      expect.arrayContaining([
        ["path/to/directory/app.jar", 0o640, 1001],
        ["path/to/directory/latest", expect.any(Number), 0],
        ["target/location/conf/app.properties", 0o644, 0],
      ]),
    );
    expect(files.map(([path]) => path)).not.toContain("root/.m2/cache");
    expect(image.manifest.layers).toHaveLength(2);
    expect(image.config.config).toEqual({
      Env: ["PATH=/usr/bin", "JAVA_HOME=/path/to/java-home"],
      Labels: { "custom-image-label": "value" },
      WorkingDir: "/workspace/source",
      Entrypoint: ["java", "-jar", "..."],
    });
    expect(JSON.parse(image.manifest.annotations?.["io.github.compose-image.builders"] ?? "")).toEqual([
      {
        reference: expect.stringContaining("/proposal/output-image:tag"),
        digest: output.top.descriptor.digest,
      },
    ]);
  });

  test("pushes once: the tag moves from the image that was built to the finished one", async () => {
    await composeIn("once");
    const put = scene.proxy.exchanges.filter(
      ({ method, path }) => method === "PUT" && path.includes("/manifests/"),
    );
    const tagged = put.filter(({ path }) => path.endsWith("/manifests/tag"));
    expect(tagged).toHaveLength(1);
    expect(scene.proxy.exchanges.filter(({ method }) => method !== "GET" && method !== "HEAD").at(-1)).toBe(
      tagged[0],
    );
  });

  test("with a builder of its own leaves the output image to be made", async () => {
    await pushMade(output, scene.registry.url, "apart/built:1");
    const name = await composeIn("apart", ["--builder", "built:1"]);
    const { manifest } = await readImage(name);
    expect(manifest.annotations?.["io.github.compose-image.builders"]).toContain("/apart/built:1");
  });

  describeWith(
    ["root", "buildah", "skopeo", "umoci", "getfattr"],
    "and buildah, on the Dockerfile of the proposal",
    () => {
      test("make the same image, but for buildah's label and the time of directories that it writes to", async () => {
        const buildah = await createBuildah();
        await pushMade(output, scene.registry.url, "peer/output-image:tag");
        await pushMade(base, scene.registry.url, "peer/runtime-base-image:latest");
        for (const name of ["output-image:tag", "runtime-base-image:latest"]) {
          await buildah.pull(`docker://${scene.registry.host}/peer/${name}`, name);
        }
        await buildah.build({ dockerfile: generated, name: "lean" });
        const layout = `oci:${await temporaryDirectory("lean")}/layout:image`;
        await buildah.push("lean", layout);
        const theirs = await imageOutcome(layout);
        const ours = await imageOutcome(`docker://${await composeIn("peer", ["--record", "none"])}`);
        const differences = diffOutcomes(theirs, ours).filter(
          ({ path, attribute, type }) =>
            path !== "Labels.io.buildah.version" && (attribute !== "mtime" || type !== "directory"),
        );
        expect(formatImageDifferences(differences)).toBe("");
      });
    },
  );
});
