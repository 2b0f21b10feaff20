import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { type FileSource, LayerContents } from "../../bench/images/layer-contents.ts";
import {
  type WrittenImage,
  type WrittenLayer,
  writeImage,
  writeLayer,
} from "../../bench/images/write-image.ts";
import { gzip } from "../../src/codec/gzip-writer.ts";
import type { Call } from "../../src/io/call.ts";
import { collect } from "../../src/io/collect.ts";
import type { LayoutStore } from "../../src/store/layout/layout-store.ts";

/** The demo's two images, and what must come of them. */
export interface DemoImages {
  readonly builder: WrittenImage;
  readonly base: WrittenImage;
  /** What the builder's top layer leaves visible below {@link applicationDirectory}, by path below it. */
  readonly application: ReadonlyMap<string, FileSource>;
  /** Names below the application's node_modules that the top layer hides. */
  readonly pruned: readonly string[];
}

/** Where builder images of the source-to-image kind have the application. */
export const applicationDirectory = "/opt/app-root/src";

/** Compilers: a layer of their own, below what `npm ci` brings. */
const toolchain = ["typescript", "@typescript", "@biomejs"];

const npmCache = "/root/.npm/_cacache";
const applicationOwner = { uid: 1001, gid: 0 };

/**
 * Makes an image that builds this very project, as `npm ci` and a build leave it, and the runtime image it begins with.
 *
 * @param project the root of the clone.
 * @param onLayer told of each layer as it is done.
 */
export async function writeDemoImages(
  project: string,
  layout: LayoutStore,
  onLayer: (layer: WrittenLayer) => void,
  call: Call,
): Promise<DemoImages> {
  const modules = join(project, "node_modules");
  const production = productionPackages(project);
  const pruned = readdirSync(modules)
    .filter((name) => isDependency(name) && !production.has(name))
    .sort();
  const dependencies = npmCi(project);
  const application = applicationFiles(project);
  const layers: WrittenLayer[] = [];
  for (const make of [
    distribution,
    runtime,
    () => compilers(modules),
    () => dependencies,
    () => packageCache(modules, call),
    () => application,
    () => cleanUp(pruned),
  ]) {
    call.signal.throwIfAborted();
    const layer = await writeLayer(layout, await make(), 6, call);
    layers.push(layer);
    onLayer(layer);
  }
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const execution = { Env: [`PATH=${path}`, `NODE_VERSION=${process.version.slice(1)}`], Cmd: ["node"] };
  const base = await writeImage(layout, "demo/node-runtime:24", layers.slice(0, 2), execution, call);
  const builder = await writeImage(
    layout,
    "demo/app-builder:1",
    layers,
    { ...execution, WorkingDir: applicationDirectory, User: "1001", Cmd: ["npm", "test"] },
    call,
  );
  const hidden = [...hiddenSources, ...pruned.map((name) => `node_modules/${name}`)];
  const visible = [...dependencies.files(), ...application.files()]
    .map(({ path, source }) => [relative(applicationDirectory, path), source] as const)
    .filter(([path]) => !hidden.some((name) => path === name || path.startsWith(`${name}/`)));
  return { builder, base, application: new Map(visible), pruned };
}

/** What a small distribution has: directories, accounts, and the shared libraries that Node needs. */
function distribution(): LayerContents {
  const contents = new LayerContents("distribution: accounts, directories, C library");
  for (const name of [
    "dev",
    "etc",
    "home",
    "opt",
    "proc",
    "run",
    "srv",
    "sys",
    "usr/bin",
    "usr/lib",
    "var/lib",
  ])
    contents.directory(`/${name}`);
  contents
    .directory("/root", { mode: 0o700 })
    .directory("/tmp", { mode: 0o1777 })
    .directory("/var/tmp", { mode: 0o1777 });
  contents.symlink("/bin", "usr/bin").symlink("/var/run", "/run");
  contents.file(
    "/etc/passwd",
    text("root:x:0:0:root:/root:/bin/sh", "default:x:1001:0::/opt/app-root:/bin/sh"),
  );
  contents.file("/etc/group", text("root:x:0:", "default:x:1001:"));
  contents.file("/etc/nsswitch.conf", text("passwd: files", "group: files", "hosts: files dns"));
  for (const library of sharedLibraries()) {
    const [top = ""] = library.split("/").slice(1);
    if (lstatSync(`/${top}`).isSymbolicLink()) contents.symlink(`/${top}`, readlinkSync(`/${top}`));
    const resolved = join(realpathSync(dirname(library)), basename(library));
    contents.file(resolved, { path: realpathSync(library) }, { mode: 0o755 });
  }
  return contents;
}

function runtime(): LayerContents {
  return new LayerContents(`runtime: Node.js ${process.version.slice(1)}`)
    .file("/usr/local/bin/node", { path: realpathSync(process.execPath) }, { mode: 0o755 })
    .symlink("/usr/local/bin/nodejs", "node");
}

function compilers(modules: string): LayerContents {
  const contents = new LayerContents("compilers: TypeScript, Biome");
  for (const name of toolchain) {
    const folder = join(modules, name);
    if (existsSync(folder)) contents.tree(folder, `/usr/local/lib/node_modules/${name}`);
  }
  return contents.symlink("/usr/local/bin/tsc", "../lib/node_modules/typescript/bin/tsc");
}

function npmCi(project: string): LayerContents {
  const contents = new LayerContents(
    "npm ci: dependencies, for production and for development",
    applicationOwner,
  );
  for (const name of ["package.json", "package-lock.json"])
    contents.file(`${applicationDirectory}/${name}`, { path: join(project, name) });
  return contents.tree(
    join(project, "node_modules"),
    `${applicationDirectory}/node_modules`,
    (path) => path.includes("/") || isDependency(path),
  );
}

/** Whether a name in node_modules is a package or scope, or npm's own folder of commands; compilers and Node are elsewhere. */
function isDependency(name: string): boolean {
  return name === ".bin" || !(name.startsWith(".") || name === "node" || toolchain.includes(name));
}

/** The packages as npm keeps them: tarballs named by their digest. */
async function packageCache(modules: string, call: Call): Promise<LayerContents> {
  const contents = new LayerContents("npm's cache: the same packages as tarballs");
  const names = readdirSync(modules).filter((name) => !/^[.@]/.test(name) && name !== "node");
  for (const name of names) {
    call.signal.throwIfAborted();
    const archive = new LayerContents(name).tree(join(modules, name), "/package").tar();
    const bytes = await collect(gzip(archive), 64 * 1024 * 1024, `tarball of ${name}`);
    const digest = createHash("sha512").update(bytes).digest("hex");
    const path = `sha512/${digest.slice(0, 2)}/${digest.slice(2, 4)}/${digest.slice(4)}`;
    contents.file(`${npmCache}/content-v2/${path}`, { bytes });
  }
  return contents;
}

/** Sources and tests, which the last layer hides again, and what was built of them. */
const hiddenSources = ["src", "test"];

function applicationFiles(project: string): LayerContents {
  const contents = new LayerContents("application: sources, tests, and the build's result", applicationOwner);
  for (const name of [...hiddenSources, "dist"])
    contents.tree(join(project, name), `${applicationDirectory}/${name}`);
  return contents.file(`${applicationDirectory}/LICENSE`, { path: join(project, "LICENSE") });
}

function cleanUp(pruned: readonly string[]): LayerContents {
  const contents = new LayerContents(
    `clean-up: npm prune, npm cache clean (${pruned.length + hiddenSources.length} whiteouts, 1 opaque directory)`,
    applicationOwner,
  );
  for (const name of pruned) contents.whiteout(`${applicationDirectory}/node_modules/${name}`);
  for (const name of hiddenSources) contents.whiteout(`${applicationDirectory}/${name}`);
  return contents.opaque(npmCache);
}

/** First path components below node_modules of what runs in production: `undici`, `@scope`. */
function productionPackages(project: string): Set<string> {
  const lockfile: unknown = JSON.parse(readFileSync(join(project, "package-lock.json"), "utf8"));
  const { packages } = lockfile as { packages: Record<string, { dev?: boolean; devOptional?: boolean }> };
  const names = Object.entries(packages).flatMap(([location, { dev, devOptional }]) => {
    const name = /^node_modules\/([^/]+)/.exec(location)?.[1];
    return name === undefined || dev === true || devOptional === true ? [] : [name];
  });
  return new Set(names);
}

/** The files that the dynamic linker brought into this process; none where it is not Linux's. */
function sharedLibraries(): string[] {
  if (process.report === undefined || process.platform !== "linux") return [];
  Object.assign(process.report, { excludeNetwork: true });
  const { sharedObjects } = process.report.getReport() as { sharedObjects?: string[] };
  return (sharedObjects ?? []).filter(
    (path) => path.startsWith("/") && /\.so(\.|$)/.test(path) && existsSync(path),
  );
}

function text(...lines: readonly string[]): FileSource {
  return { bytes: Buffer.from(`${lines.join("\n")}\n`) };
}
