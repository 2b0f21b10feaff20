import type { Call } from "../io/call.ts";
import { collect } from "../io/collect.ts";
import type { Spool } from "../io/spool.ts";
import { ComposeImageError } from "../model/errors.ts";
import { bytesOfText } from "../tar/byte-string.ts";
import type { FileNode } from "./file-node.ts";
import type { ImageView } from "./image-view.ts";
import type { FilesView, LayerReader } from "./layer-reader.ts";
import type { AccountFiles } from "./owner.ts";
import type { ImagePath } from "./path.ts";

/** Where an image has its users. */
export const passwdPath = bytesOfText("etc/passwd") as ImagePath;

/** Where an image has its groups. */
export const groupPath = bytesOfText("etc/group") as ImagePath;

/** Largest account file accepted, in bytes. */
const maxAccountFileSize = 16 * 1024 * 1024;

/**
 * The account files of an image.
 *
 * @param views all that is read in the same round.
 * @throws ComposeImageError `LIMIT_EXCEEDED`; what reading layers throws.
 */
export async function readAccountFiles(
  image: ImageView,
  views: readonly FilesView[],
  reader: LayerReader,
  bodies: Spool,
  call: Call,
): Promise<AccountFiles> {
  const find = (path: ImagePath): FileNode | undefined => image.tree().walk(path, true, image.name).node;
  const [passwd, group] = await reader.ask(views, () => [find(passwdPath), find(groupPath)], call);
  const files = [passwd, group].filter((node) => node !== undefined);
  for (const { size } of files) {
    if (size <= maxAccountFileSize) continue;
    throw new ComposeImageError(
      "LIMIT_EXCEEDED",
      `an account file of ${image.name} has ${size} bytes; the limit is ${maxAccountFileSize}`,
      { hint: "Give owners as numbers; then the file is not read." },
    );
  }
  await reader.stage(files, call);
  const textOf = async (node: FileNode | undefined): Promise<string> => {
    const extent = node?.origin?.blob.bodies.get(node.offset);
    if (extent === undefined) return "";
    return (await collect(bodies.read(extent), maxAccountFileSize, `account file of ${image.name}`)).toString(
      "utf8",
    );
  };
  return { passwd: await textOf(passwd), group: await textOf(group) };
}
