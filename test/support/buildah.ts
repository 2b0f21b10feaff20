import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { attempt, type CommandResult, run } from "./command.ts";
import { temporaryDirectory } from "./temp.ts";

/** One build of {@link Buildah}. */
export interface BuildahBuild {
  /** The Dockerfile's text. */
  readonly dockerfile: string;
  /** The context directory, which it runs in as well; default: an empty one. */
  readonly context?: string;
  /** The image's name in the store, `localhost/NAME`; or where it goes at once, `oci:DIR:TAG` or `dir:DIR`. */
  readonly name: string;
  /** One layer for each instruction, where the default is one for all. */
  readonly layers?: boolean;
  /** Further options. */
  readonly options?: readonly string[];
  /** Capabilities for RUN beside the default ones, such as `CAP_MKNOD`. */
  readonly capabilities?: readonly string[];
}

/** buildah(1) with a store of its own, as root, without a container runtime. */
export interface Buildah {
  /** Builds and stores an image. @throws Error with what buildah wrote, when it fails. */
  build(build: BuildahBuild): Promise<void>;
  /** As `build`, for a Dockerfile that may be refused. */
  attempt(build: BuildahBuild): Promise<CommandResult>;
  /**
   * Pushes a stored image to `oci:DIR:TAG` or `docker://HOST/NAME:TAG`.
   *
   * @param compression how its layers are packed; default gzip.
   */
  push(name: string, destination: string, compression?: "gzip" | "zstd" | "zstd:chunked"): Promise<void>;
  /** Takes in an image that skopeo can read, so that a `FROM` finds it as `localhost/NAME`. */
  pull(source: string, name: string): Promise<void>;
}

/** A buildah whose images live in a directory, by default a temporary one, by the vfs driver. */
export async function createBuildah(directory?: string): Promise<Buildah> {
  const store = directory ?? (await temporaryDirectory("buildah"));
  const storeArgs = [
    "--root",
    join(store, "root"),
    "--runroot",
    join(store, "run"),
    "--storage-driver",
    "vfs",
  ];
  const env = { ...process.env, TMPDIR: store, HOME: store, BUILDAH_HISTORY: "false" };
  const limits = await ulimits();
  const buildArgs = async (build: BuildahBuild) => {
    const dockerfile = join(await temporaryDirectory("dockerfile"), "Dockerfile");
    await writeFile(dockerfile, build.dockerfile);
    return [
      ...storeArgs,
      "bud",
      "--isolation=chroot",
      ...limits,
      "--pull-never",
      `--layers=${build.layers === true}`,
      ...(build.capabilities ?? []).map((capability) => `--cap-add=${capability}`),
      ...(build.options ?? []),
      "--file",
      dockerfile,
      "--tag",
      /^(?:oci|dir):/.test(build.name) ? build.name : `localhost/${build.name}`,
      build.context ?? (await temporaryDirectory("context")),
    ];
  };
  return {
    async build(build) {
      await run("buildah", await buildArgs(build), { env, cwd: build.context });
    },
    async attempt(build) {
      return attempt("buildah", await buildArgs(build), { env, cwd: build.context });
    },
    async push(name, destination, compression = "gzip") {
      const format = `--compression-format=${compression}`;
      const args = ["push", "--quiet", "--tls-verify=false", format, `localhost/${name}`, destination];
      await run("buildah", [...storeArgs, ...args], { env });
    },
    async pull(source, name) {
      const stored = `containers-storage:[vfs@${join(store, "root")}+${join(store, "run")}]localhost/${name}`;
      await run("skopeo", ["copy", "--quiet", "--src-tls-verify=false", source, stored], { env });
    },
  };
}

/**
 * Resource limits for RUN that are no higher than this process's own: raising a hard limit takes a capability that
 * containers tend not to have.
 */
async function ulimits(): Promise<string[]> {
  const limits = await readFile("/proc/self/limits", "utf8");
  const hard = (line: string) => {
    const value = new RegExp(`^${line} +\\S+ +(\\S+)`, "m").exec(limits)?.[1];
    return Math.min(value === undefined || value === "unlimited" ? 20_000 : Number(value), 20_000);
  };
  const files = hard("Max open files");
  const processes = hard("Max processes");
  return [`--ulimit=nofile=${files}:${files}`, `--ulimit=nproc=${processes}:${processes}`];
}
