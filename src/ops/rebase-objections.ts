import type { Call } from "../io/call.ts";
import { ComposeImageError } from "../model/errors.ts";
import { buildpacksMetadata, forbidsRebase, rebasableLabel, targetDifference } from "./buildpacks.ts";
import { checkFit, type FitContext, isIndependent } from "./check-fit.ts";
import { composedLayers } from "./composed-layers.ts";
import type { OldBase } from "./old-base.ts";

/**
 * Expects that nothing speaks against an application on a new base: neither its buildpacks, nor what its composed layers
 * took from the old one. Of other layers nothing is known; that is warned of.
 *
 * @param force whether it only warns.
 * @throws ComposeImageError `REBASE_REFUSED`; what reading layers throws.
 */
export async function expectFit(
  context: FitContext,
  { buildpacks, layerCount }: OldBase,
  force: boolean,
  call: Call,
): Promise<void> {
  const { image, application, newBase, onTransfer } = context;
  const { name } = application;
  const refuse = (reason: string, hint: string): void => {
    if (!force) throw new ComposeImageError("REBASE_REFUSED", `${name} ${reason}`, { hint });
    onTransfer({ kind: "warning", store: "rebase", message: `${name} ${reason}` });
  };
  const labels = image.config.execution.Labels ?? {};
  const hint = "Build it again on the new base, or rebase it with --force.";
  const isInherited = buildpacks === undefined && buildpacksMetadata(labels, name) !== undefined;
  if (!isInherited && forbidsRebase(labels)) {
    refuse(`is not to be rebased: its label ${rebasableLabel} is false`, hint);
  }
  const difference = buildpacks && targetDifference(labels, newBase.config.execution.Labels ?? {});
  if (difference !== undefined) refuse(`is not for ${newBase.name}: ${difference}`, hint);
  const layers = composedLayers(image, layerCount);
  if (layers.length === 0) {
    if (buildpacks === undefined && layerCount < image.config.diffIds.length) {
      const message = `${name} was not made by composing: whether its layers suit ${newBase.name} is not known`;
      onTransfer({ kind: "warning", store: "rebase", message });
    }
    return;
  }
  if (force) return;
  for (const layer of layers) {
    if (isIndependent(layer)) continue;
    const [first, ...more] = await checkFit(layer, context, call);
    if (first === undefined) continue;
    const others = more.length === 0 ? "" : `, and ${more.length} more`;
    refuse(
      `does not fit ${newBase.name}: of layer ${layer.position + 1}, ${first}${others}`,
      "Make it anew on the new base with compose-image recompose, or take its layer as it is with --force.",
    );
  }
}
