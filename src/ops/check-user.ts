import type { FileNode } from "../layers/file-node.ts";
import { type AccountFiles, ownerOfUser, unknownNames } from "../layers/owner.ts";
import { componentsOf, resolveLexically, rootPath } from "../layers/path.ts";
import { bytesOfText } from "../tar/byte-string.ts";
import type { ExpandedConfig } from "./expand-stage.ts";

/**
 * Warns where the container is to run as somebody whom the base does not know: it would not start. No more than a
 * warning, as a name may be made known later; and none where the new layer has an account file of its own.
 *
 * @param layer the root of the new layer.
 * @param baseName the base, for messages.
 */
export function checkUser(
  { user }: ExpandedConfig,
  accounts: AccountFiles,
  layer: FileNode,
  baseName: string,
  onWarning: (message: string) => void,
): void {
  if (user === undefined) return;
  for (const { what, file } of unknownNames(ownerOfUser(user), accounts)) {
    if (!bringsFile(layer, file))
      onWarning(`the container is to run as ${user}: ${baseName} has no ${what} in ${file}`);
  }
}

function bringsFile(layer: FileNode, file: string): boolean {
  const components = componentsOf(resolveLexically(rootPath, bytesOfText(file)));
  let node: FileNode | undefined = layer;
  for (const component of components) node = node?.children?.get(component);
  return node !== undefined;
}
