import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { parseBuildContext } from "../../src/frontends/dockerfile/build-contexts.ts";
import { planDockerfile } from "../../src/frontends/dockerfile/plan-dockerfile.ts";
import { compose } from "../../src/ops/compose.ts";
import { blobPath } from "./blob-path.ts";
import { type FlatImage, flatImage } from "./flat-image.ts";
import { makeImage, saveMade } from "./make-image.ts";
import { temporaryDirectory } from "./temp.ts";

/** One Dockerfile of `fixtures/dockerfile/cases.yaml`, and what it makes. */
export interface DockerfileCase {
  /** The instruction, and what is particular about its form: no two cases share both. */
  readonly about: readonly [instruction: string, form: string];
  readonly file: string;
  /** Values of `--build-arg`. */
  readonly args?: Readonly<Record<string, string>>;
  readonly target?: string;
  /** `NAME=VALUE` of `--build-context`. */
  readonly contexts?: readonly string[];
  /** Lines of `flatLine` that the image's files have to have. */
  readonly files?: readonly string[];
  /** Paths it must not have. */
  readonly absent?: readonly string[];
  /** Keys of the configuration, with their values; `null` for those it must not have. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Why buildah 1.28 is not asked for the same; absent where it is. */
  readonly notWithBuildah?: string;
}

/** The cases in their order. */
export async function readDockerfileCases(): Promise<DockerfileCase[]> {
  return parse(await readFile(new URL("../../fixtures/dockerfile/cases.yaml", import.meta.url), "utf8"));
}

/** What a case is called. */
export function caseName({ about: [instruction, form] }: DockerfileCase): string {
  return `${instruction}: ${form}`;
}

/** The images and the context that all cases are made from. */
export interface DockerfileInputs {
  /** `oci:DIR:latest`, by the names that Dockerfiles have after `localhost/`. */
  readonly images: Readonly<Record<string, string>>;
  /** The context's directory, with `.dockerignore` in it. */
  readonly context: string;
  /** Where images may be written. */
  readonly output: string;
}

const path = "PATH=/usr/local/bin:/usr/bin:/bin";

/** Makes the inputs. */
export async function dockerfileInputs(): Promise<DockerfileInputs> {
  const directory = await temporaryDirectory("dockerfile-cases");
  const base = makeImage({
    layers: [
      {
        files: [
          { path: "etc/" },
          { path: "etc/passwd", content: "root:x:0:0::/:/bin/sh\nweb:x:1001:1002::/home/web:/bin/sh\n" },
          { path: "etc/group", content: "root:x:0:\nweb:x:1002:\nstaff:x:50:\n" },
          { path: "usr/" },
          { path: "usr/bin/" },
          { path: "usr/bin/sh", content: "shell\n", mode: 0o755 },
          { path: "bin", linkname: "usr/bin" },
          { path: "srv/" },
          { path: "srv/app/", mode: 0o750, uid: 1001, gid: 1002 },
          { path: "tmp/", mode: 0o1777 },
        ],
      },
    ],
    execution: {
      Env: [path, "HOME=/home/web", "MODE=base", "EMPTY="],
      WorkingDir: "/srv",
      Cmd: ["/bin/sh"],
      Labels: { vendor: "base" },
      ExposedPorts: { "22/tcp": {} },
      Volumes: { "/data": {} },
    },
  });
  const builder = makeImage({
    layers: [
      {
        files: [
          { path: "app/" },
          { path: "app/run.sh", content: "run\n", mode: 0o755 },
          { path: "app/lib/", mode: 0o700, uid: 7, gid: 8 },
          { path: "app/lib/one.js", content: "one\n", uid: 7, gid: 8 },
          { path: "app/lib/one.js.map", content: "map\n" },
          { path: "app/lib/deep/" },
          { path: "app/lib/deep/two.js", content: "two\n" },
          { path: "app/link", linkname: "lib/one.js" },
          { path: "current", linkname: "app/lib" },
        ],
      },
    ],
    execution: { Env: [path, "STAGE=builder"], WorkingDir: "/app" },
  });
  const tools = makeImage({
    layers: [{ files: [{ path: "usr/" }, { path: "usr/tini", content: "tini\n", mode: 0o4755 }] }],
    execution: { Env: [path] },
  });
  const images: Record<string, string> = {};
  for (const [name, image] of Object.entries({ base, builder, tools })) {
    images[name] = await saveMade(image, join(directory, name), "latest");
  }
  const context = join(directory, "context");
  const files: Readonly<Record<string, string>> = {
    "a.txt": "alpha\n",
    "b.txt": "beta\n",
    ".hidden": "hidden\n",
    "arr[0].txt": "bracket\n",
    "with space.txt": "space\n",
    "noise.log": "noise\n",
    "kept.log": "kept\n",
    ".dockerignore": "*.log\n!kept.log\ndir/ignored\n",
    "dir/one.txt": "one\n",
    "dir/two.md": "two\n",
    "dir/ignored/x": "x\n",
    "dir/sub/three.txt": "three\n",
    "x/a.txt": "x alpha\n",
    "x/y/b.txt": "x y beta\n",
  };
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(context, name)), { recursive: true });
    await writeFile(join(context, name), content);
  }
  return { images, context, output: join(directory, "output") };
}

/** Makes the image of a case in a layout, as the command does. */
export async function composeCase(
  { file, args, target, contexts = [] }: DockerfileCase,
  { images, context, output }: DockerfileInputs,
  tag: string,
): Promise<FlatImage> {
  const plan = planDockerfile(file, {
    context: { kind: "local", directory: context },
    target,
    buildArgs: args,
    buildContexts: contexts.map((each) => parseBuildContext(each.replace("=./", `=${context}/`))),
    flags: { tag: [`oci:${output}:${tag}`], record: "none" },
    replace: Object.entries(images).map(
      ([name, image]) => `localhost/${name}=${image.replace(/:latest$/, "")}`,
    ),
  });
  const {
    images: [image],
  } = await compose(plan, { env: {} });
  if (image === undefined) throw new Error("nothing was composed");
  const at = (digest: string): string => blobPath(output, digest);
  return flatImage(JSON.parse(await readFile(at(image.descriptor.digest), "utf8")), at);
}
