import { baseAnnotations, baseKeys } from "./record.ts";
import type { ResolvedImage } from "./resolve-image.ts";

/**
 * Annotations, or labels, that name the new base where they named the old one.
 *
 * @param adds whether they are to name it even if they named none.
 */
export function rebasedAnnotations(
  own: Readonly<Record<string, string>>,
  newBase: ResolvedImage,
  adds: boolean,
): Readonly<Record<string, string>> {
  const { [baseKeys.name]: name, [baseKeys.digest]: digest, ...rest } = own;
  if (name === undefined && digest === undefined && !adds) return own;
  return { ...rest, ...baseAnnotations(newBase) };
}
