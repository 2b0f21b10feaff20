import { readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { Call } from "../../src/io/call.ts";
import type { LayoutStore } from "../../src/store/layout/layout-store.ts";
import { LayerContents } from "./layer-contents.ts";
import { FilePool, realFiles } from "./real-files.ts";
import { type WrittenImage, type WrittenLayer, writeImage, writeLayer } from "./write-image.ts";

/** What the benches compose from. All share {@link selection}. */
export interface BenchImages {
  readonly base: WrittenImage;
  /** About 500 MB in seven layers. */
  readonly builder: WrittenImage;
  /** As large again; what is selected is the same. */
  readonly doubled: WrittenImage;
  /** One file of {@link replacedFileSize} bytes, another in each of six layers. */
  readonly replaced: WrittenImage;
}

/** Tags in the layout, and names in registries. */
export const imageNames = {
  base: "bench/base:1",
  builder: "bench/builder:1",
  doubled: "bench/doubled:1",
  replaced: "bench/replaced:1",
} as const;

/** What is copied out of `builder` and `doubled`. */
export const selection = "/opt/app-root/src";

/** What is copied out of `replaced`. */
export const replacedFolder = "/opt/model";

/** Bytes of the file in `replaced`. */
const replacedFileSize = 100_000_000;

const MB = 1_000_000;
const owner = { uid: 1001, gid: 0 };

/**
 * Makes the images of files that are on this machine: what `npm ci` brought, and the system's below /usr.
 *
 * @param level of gzip.
 * @param onImage told of each image as it is done.
 */
export async function writeBenchImages(
  project: string,
  layout: LayoutStore,
  level: number,
  onImage: (name: string, image: WrittenImage) => void,
  call: Call,
): Promise<BenchImages> {
  const modules = join(project, "node_modules");
  const write = (layer: LayerContents): Promise<WrittenLayer> => writeLayer(layout, layer, level, call);
  const image = async (name: string, layers: readonly WrittenLayer[]): Promise<WrittenImage> => {
    const written = await writeImage(
      layout,
      name,
      layers,
      { Env: ["PATH=/usr/local/bin:/usr/bin:/bin"] },
      call,
    );
    onImage(name, written);
    return written;
  };

  const folders = ["/usr/lib", "/usr/share", "/usr/bin", ...packageFolders(modules)];
  const system = new FilePool([...realFiles(folders)].filter(({ size }) => size <= 20 * MB));
  const distribution = await write(systemLayer("distribution", system, "/", 60 * MB));
  const runtime = await write(runtimeLayer());
  const application = applicationLayers(modules);
  const dependencies = await write(application.dependencies);
  const update = await write(application.update);
  const around = async (times: 1 | 2): Promise<WrittenLayer[]> => {
    const more = times === 1 ? 0 : 165 * MB;
    const compilers = compilerLayer(modules);
    system.fill(compilers, "/usr/local/lib", more);
    return [
      distribution,
      runtime,
      await write(compilers),
      dependencies,
      await write(systemLayer("caches", system, "/var/cache", 90 * MB + more)),
      update,
      await write(systemLayer("tests and logs", system, "/var/lib", 30 * MB + more)),
    ];
  };
  return {
    base: await image(imageNames.base, [distribution, runtime]),
    builder: await image(imageNames.builder, await around(1)),
    doubled: await image(imageNames.doubled, await around(2)),
    replaced: await image(imageNames.replaced, await replacements(write)),
  };
}

function systemLayer(what: string, files: FilePool, folder: string, bytes: number): LayerContents {
  const layer = new LayerContents(what);
  layer.directory("/tmp", { mode: 0o1777 });
  files.fill(layer, folder, bytes);
  return layer;
}

function runtimeLayer(): LayerContents {
  return new LayerContents("runtime").file("/usr/local/bin/node", nodeBinary(), { mode: 0o755 });
}

function compilerLayer(modules: string): LayerContents {
  const layer = new LayerContents("compilers");
  for (const name of ["typescript", "@typescript", "@biomejs", "@rolldown"])
    layer.tree(join(modules, name), `/usr/local/lib/node_modules/${name}`);
  return layer;
}

/**
 * About 40 MB in ten thousand files: the small ones of node_modules, in as many versions as that takes. A second layer
 * brings the last fifth, writes some of the others anew and hides some.
 */
function applicationLayers(modules: string): { dependencies: LayerContents; update: LayerContents } {
  const small = [...realFiles(packageFolders(modules))].filter(({ size }) => size <= 56 * 1024);
  const files = new FilePool(small);
  const dependencies = new LayerContents("dependencies", owner);
  const folder = `${selection}/node_modules`;
  files.fill(dependencies, folder, 40 * MB, 8200);
  const update = new LayerContents("update", owner);
  files.fill(update, folder, 10 * MB, 2000);
  const paths = [...dependencies.files()];
  for (const { path } of paths.slice(0, 200)) update.whiteout(path);
  for (const { path, source } of paths.slice(200, 500)) update.file(path, source, { mode: 0o640 });
  return { dependencies, update };
}

/** Six layers that each replace one large file. */
async function replacements(write: (layer: LayerContents) => Promise<WrittenLayer>): Promise<WrittenLayer[]> {
  const layers: WrittenLayer[] = [];
  for (let version = 0; version < 6; version++) {
    const source = { ...nodeBinary(), start: version * 4 * MB, length: replacedFileSize };
    layers.push(await write(new LayerContents(`model ${version}`).file(`${replacedFolder}/weights`, source)));
  }
  return layers;
}

function nodeBinary(): { readonly path: string } {
  return { path: realpathSync(process.execPath) };
}

/** The packages, without what tools keep beside them and without Node, which is a layer of its own. */
function packageFolders(modules: string): string[] {
  const names = readdirSync(modules).filter((name) => !name.startsWith(".") && name !== "node");
  return names.sort().map((name) => join(modules, name));
}
