import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, glob, mkdir, readFile, rename } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { unstoppable } from "../../src/io/call.ts";
import { withDirectoryLock } from "../../src/io/directory-lock.ts";
import { type Buildah, createBuildah } from "./buildah.ts";
import { downloadPackages, readPackageList, writeContext } from "./debian-rootfs.ts";
import { removeTree, temporaryDirectory } from "./temp.ts";
import type { Need } from "./tools.ts";

/** What {@link debianImages} needs of the machine. */
export const debianNeeds: readonly Need[] = ["root", "buildah", "apt-get", "dpkg-deb", "tar"];

/** A builder and a base made by buildah from Debian's and npm's packages. */
export interface DebianImages {
  /** The OCI layout that holds both, tagged `builder` and `base`. Not to be written to. */
  readonly layout: string;
  /** `oci:LAYOUT:builder` */
  readonly builder: string;
  /** `oci:LAYOUT:base` */
  readonly base: string;
}

const fixtures = fileURLToPath(new URL("../../fixtures/debian", import.meta.url));
const modules = fileURLToPath(new URL("../../node_modules", import.meta.url));

/** npm packages that go into the builder, one of them deleted again by its top layer. */
const npmPackages = [
  "@typescript",
  "commander",
  "fast-check",
  "tar",
  "tar-stream",
  "typescript",
  "undici",
  "yaml",
];

/**
 * The images, built unless a layout made from the same fixtures is kept under the system's temporary directory
 * (`compose-image-debian-KEY`); that takes about half a minute. Delete the directory to have newer packages.
 */
export async function debianImages(): Promise<DebianImages> {
  const layout = join(tmpdir(), `compose-image-debian-${await inputsKey()}`);
  const lock = `${layout}.lock`;
  // Another worker may be building them, for longer than a lock is waited for.
  while (!existsSync(layout)) {
    await mkdir(lock, { recursive: true });
    await withDirectoryLock(lock, () => buildImages(layout), unstoppable).catch((error: unknown) => {
      if (!/stays locked/.test(String(error))) throw error;
    });
  }
  return { layout, builder: `oci:${layout}:builder`, base: `oci:${layout}:base` };
}

async function buildImages(layout: string): Promise<void> {
  if (existsSync(layout)) return;
  const work = await temporaryDirectory("debian-images");
  const buildah = await createBuildah();
  const unfinished = `${layout}.${process.pid}`;
  const system = await readPackageList(fixture("system.packages"));
  const tools = await readPackageList(fixture("tools.packages"));
  const debs = await downloadPackages(system, join(work, "system"));
  await buildBase(buildah, debs, join(work, "base"));
  const more = await downloadPackages([...system, ...tools], join(work, "tools"));
  await buildBuilder(buildah, debs, more, join(work, "builder"));
  await buildah.push("base", `oci:${unfinished}:base`);
  await buildah.push("builder", `oci:${unfinished}:builder`);
  await removeTree(work);
  await rename(unfinished, layout);
}

async function buildBase(buildah: Buildah, debs: readonly string[], context: string): Promise<void> {
  const script = fixture("configure.sh");
  await writeContext({ unpacked: debs, installed: debs, script, documentation: false }, context);
  const dockerfile = await readFile(fixture("Dockerfile.base"), "utf8");
  await buildah.build({ dockerfile, context, name: "base" });
}

async function buildBuilder(
  buildah: Buildah,
  debs: readonly string[],
  more: readonly string[],
  context: string,
): Promise<void> {
  const script = fixture("configure.sh");
  await writeContext({ unpacked: debs, installed: more, script, documentation: true }, context);
  await mkdir(join(context, "node_modules"));
  for (const name of npmPackages) {
    const options = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true };
    await cp(join(modules, name), join(context, "node_modules", name), options);
  }
  await cp(fixture("app"), join(context, "app"), { recursive: true });
  for (const script of ["prepare.sh", "prune.sh"])
    await cp(fixture(script), join(context, "scripts", script));
  await buildah.build({
    dockerfile: await readFile(fixture("Dockerfile.builder"), "utf8"),
    context,
    name: "builder",
    layers: true,
    capabilities: ["CAP_MKNOD", "CAP_SETFCAP"],
  });
}

/** Names everything the images depend on except the versions Debian's mirror has at the time. */
async function inputsKey(): Promise<string> {
  const hash = createHash("sha256");
  const paths: string[] = [];
  for await (const path of glob("**/*", { cwd: fixtures, withFileTypes: true })) {
    if (path.isFile()) paths.push(join(path.parentPath, path.name));
  }
  paths.push(fileURLToPath(import.meta.url), fileURLToPath(new URL("./debian-rootfs.ts", import.meta.url)));
  for (const name of npmPackages) {
    if (!name.startsWith("@")) paths.push(join(modules, name, "package.json"));
  }
  for (const path of paths.sort())
    hash
      .update(path)
      .update("\0")
      .update(await readFile(path))
      .update("\0");
  return hash.digest("hex").slice(0, 16);
}

function fixture(name: string): string {
  return join(fixtures, name);
}
