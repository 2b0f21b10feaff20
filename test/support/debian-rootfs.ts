import { copyFile, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { run } from "./command.ts";
import { removeTree } from "./temp.ts";

/**
 * Downloads Debian packages and all they depend on, as apt-get(8) resolves them for a machine with nothing installed.
 *
 * @param packages names and apt patterns such as `?essential`.
 * @param directory where to keep apt's own state, new.
 * @returns absolute paths of the `.deb` files, sorted.
 */
export async function downloadPackages(packages: readonly string[], directory: string): Promise<string[]> {
  const archives = join(directory, "archives");
  const status = join(directory, "status");
  await mkdir(join(archives, "partial"), { recursive: true });
  await writeFile(status, "");
  const settings = [
    `Dir::State::status=${status}`,
    `Dir::Cache=${directory}`,
    "APT::Sandbox::User=root",
    "Acquire::Retries=3",
  ];
  await run("apt-get", [
    "--quiet=2",
    ...settings.flatMap((setting) => ["--option", setting]),
    "--no-install-recommends",
    "--download-only",
    "--yes",
    "install",
    ...packages,
  ]);
  const names = await readdir(archives);
  return names
    .filter((name) => name.endsWith(".deb"))
    .sort()
    .map((name) => join(archives, name));
}

/** What {@link writeContext} puts into a build context. */
export interface PackageContext {
  /** Packages whose files make up `rootfs.tar`, with merged `/usr`, nothing configured. */
  readonly unpacked: readonly string[];
  /** Packages that go into `debs/`, beside the script that installs and configures them. */
  readonly installed: readonly string[];
  readonly script: string;
  /** Whether `rootfs.tar` has manuals, translations and the like. */
  readonly documentation: boolean;
}

/** Makes a build context of `rootfs.tar` and `debs/`, absolute paths throughout. */
export async function writeContext(packages: PackageContext, context: string): Promise<void> {
  const root = join(context, "rootfs");
  for (const directory of ["bin", "sbin", "lib", "lib64"]) {
    await mkdir(join(root, "usr", directory), { recursive: true });
    await symlink(`usr/${directory}`, join(root, directory));
  }
  const unpackAll = `set -e; for deb; do dpkg-deb --fsys-tarfile "$deb" | tar --keep-directory-symlink -xpf - -C "$ROOT"; done`;
  await run("sh", ["-c", unpackAll, "sh", ...packages.unpacked], { env: { ...process.env, ROOT: root } });
  const tarArgs = ["--sort=name", "--numeric-owner", "--format=posix", "--xattrs"];
  const left = packages.documentation ? [] : ["doc", "info", "locale", "man"];
  tarArgs.push(...left.map((name) => `--exclude=./usr/share/${name}/*`));
  await run("tar", [...tarArgs, "-cf", join(context, "rootfs.tar"), "-C", root, "."]);
  await removeTree(root);
  const debs = join(context, "debs");
  await mkdir(debs);
  for (const deb of packages.installed) await copyFile(deb, join(debs, basename(deb)));
  await copyFile(packages.script, join(debs, "configure.sh"));
}

/** The package names in a file, one a line. */
export async function readPackageList(path: string): Promise<string[]> {
  return (await readFile(path, "utf8")).split("\n").filter((line) => line !== "");
}
