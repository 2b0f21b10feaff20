import { tmpdir } from "node:os";
import { type Call, unstoppable } from "../io/call.ts";
import type { Content } from "../io/content.ts";
import { MemoryBudget } from "../io/memory-budget.ts";
import { Spool } from "../io/spool.ts";
import { ignoreTransfers } from "../io/transfer.ts";
import type { FileNode } from "../layers/file-node.ts";
import { ImageView } from "../layers/image-view.ts";
import { Interest } from "../layers/interest.ts";
import { type FilesView, LayerReader } from "../layers/layer-reader.ts";
import type { MergedTree } from "../layers/merged-tree.ts";
import { childPath, displayPath, type ImagePath, resolveLexically, rootPath } from "../layers/path.ts";
import { ComposeImageError } from "../model/errors.ts";
import type { ImageLocation } from "../model/location.ts";
import type { Platform } from "../model/platform.ts";
import type { LocalSource } from "../plan/compose-plan.ts";
import { Stores } from "../store/open-stores.ts";
import type { RegistryClientOptions } from "../store/registry/client.ts";
import { type ByteString, bytesOfText } from "../tar/byte-string.ts";
import { layerBlobs } from "./layer-blobs.ts";
import { resolveDirectory, viewDirectory } from "./resolve-directory.ts";
import { resolveImage } from "./resolve-image.ts";

/** Options of {@link listFiles} and {@link readFile}; those of the registries are among them. */
export interface ImageFilesOptions extends RegistryClientOptions {
  /** Default: the image's only one, else this machine's architecture on linux. */
  readonly platform?: Platform | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Most layers read at once. Default 4. */
  readonly jobs?: number | undefined;
  /** Most bytes of a file in memory; the rest goes to a temporary file. Default 64 MiB. */
  readonly memoryLimit?: number | undefined;
}

/** Where files can be looked at. */
export type FilesLocation = ImageLocation | LocalSource;

/** A file of an image as it is with all layers applied, or of a directory as a copy would take it. */
export interface ImageFile {
  readonly path: ImagePath;
  readonly node: FileNode;
}

/**
 * The files of an image or of a directory of this machine: those in a directory, or the one file that the path names. A symlink named without a slash at
 * its end is listed itself.
 *
 * @param recursive whether directories below are listed too.
 * @returns in bytewise order of their paths.
 * @throws ComposeImageError `SOURCE_NOT_FOUND`; what resolving and reading the image throws.
 */
export async function listFiles(
  location: FilesLocation,
  path: string,
  recursive: boolean,
  options: ImageFilesOptions = {},
): Promise<ImageFile[]> {
  return withTree(location, path, options, async ({ ask, call }) =>
    ask((tree, name) => {
      const { node, path: real } = find(tree, path, path.endsWith("/"), name);
      if (node.children === undefined) return [{ path: real, node }];
      tree.requireSubtree(real);
      return [...filesIn(real, node, recursive)].sort((a, b) => (a.path < b.path ? -1 : 1));
    }, call),
  );
}

/**
 * A regular file's content, symlinks followed. Nothing is given before the layer it is in has been verified.
 *
 * @param use takes the content while it is there.
 * @throws ComposeImageError `SOURCE_NOT_FOUND`, also for what is not a regular file; what reading the image throws.
 */
export async function readFile(
  location: FilesLocation,
  path: string,
  use: (content: Content) => Promise<void>,
  options: ImageFilesOptions = {},
): Promise<void> {
  await withTree(location, path, options, async ({ ask, reader, bodies, call }) => {
    const node = await ask((tree, name) => {
      const found = find(tree, path, true, name).node;
      if (found.attributes.type === "file") return found;
      throw new ComposeImageError(
        "SOURCE_NOT_FOUND",
        `${path} of ${name} is a ${found.attributes.type}, not a file`,
        {
          hint: "compose-image ls lists what is in a directory.",
        },
      );
    }, call);
    await reader.stage([node], call);
    if (node.localFiles !== undefined) {
      await use(inPieces(node.localFiles.read(node.offset, node.size)));
      return;
    }
    const extent = node.origin?.blob.bodies.get(node.offset);
    if (extent !== undefined) await use(bodies.read(extent));
  });
}

interface TreeAccess {
  readonly ask: <T>(question: (tree: MergedTree, imageName: string) => T, call: Call) => Promise<T>;
  readonly reader: LayerReader;
  readonly bodies: Spool;
  readonly call: Call;
}

async function withTree<T>(
  location: FilesLocation,
  path: string,
  options: ImageFilesOptions,
  work: (access: TreeAccess) => Promise<T>,
): Promise<T> {
  const call: Call = options.signal === undefined ? unstoppable : { signal: options.signal };
  const { jobs = 4, memoryLimit = 64 * 1024 * 1024 } = options;
  await using stores = new Stores(options);
  await using bodies = new Spool(new MemoryBudget(memoryLimit), tmpdir());
  const reader = new LayerReader(bodies, jobs);
  const view = await openView(location, new Interest([cleaned(path)]), options, stores, call);
  return await work({
    ask: (question, inner) => reader.ask([view], () => question(view.tree(), view.name), inner),
    reader,
    bodies,
    call,
  });
}

async function openView(
  location: FilesLocation,
  interest: Interest,
  { onTransfer = ignoreTransfers, platform }: ImageFilesOptions,
  stores: Stores,
  call: Call,
): Promise<FilesView> {
  const onWarning = (message: string): void => onTransfer({ kind: "warning", store: "layers", message });
  if ("kind" in location)
    return viewDirectory(await resolveDirectory(location), interest, undefined, onWarning);
  const image = await resolveImage(stores, "image", location, platform, call);
  return new ImageView(image.name, layerBlobs(image, new Map()), interest, {
    wantsBody: () => false,
    onWarning,
  });
}

async function* inPieces(content: Content | Uint8Array): AsyncGenerator<Uint8Array> {
  if (content instanceof Uint8Array) yield content;
  else yield* content;
}

function find(
  tree: MergedTree,
  path: string,
  followLast: boolean,
  imageName: string,
): { readonly path: ImagePath; readonly node: FileNode } {
  const wanted = cleaned(path);
  const { path: real, node, missing } = tree.walk(wanted, followLast, imageName);
  if (node !== undefined) return { path: real, node };
  const where = missing === undefined || missing === wanted ? "" : `: ${displayPath(missing)} is missing`;
  throw new ComposeImageError("SOURCE_NOT_FOUND", `${imageName} has no ${displayPath(wanted)}${where}`, {
    hint: tree.missingHint,
  });
}

function* filesIn(directory: ImagePath, node: FileNode, recursive: boolean): Generator<ImageFile> {
  for (const [name, child] of node.children ?? new Map<ByteString, FileNode>()) {
    const path = childPath(directory, name);
    yield { path, node: child };
    if (recursive && child.children !== undefined) yield* filesIn(path, child, recursive);
  }
}

function cleaned(path: string): ImagePath {
  return resolveLexically(rootPath, bytesOfText(path));
}
