import type { HistoryEntry, ImageConfig } from "../model/config.ts";
import { completeHistory } from "./derive-config.ts";

/**
 * The history of an application on its new base: the new base's, then the application's own.
 *
 * @param layerCount how many of the application's layers are its old base's.
 * @param oldBase tells which entries without a layer, above the last with one, are the base's too.
 */
export function rebasedHistory(
  application: ImageConfig,
  layerCount: number,
  oldBase: ImageConfig | undefined,
  newBase: ImageConfig,
): HistoryEntry[] {
  const entries = completeHistory(application);
  return [...completeHistory(newBase), ...entries.slice(baseEntries(entries, layerCount, oldBase))];
}

/** How many entries are the old base's. */
function baseEntries(
  entries: readonly HistoryEntry[],
  layerCount: number,
  oldBase: ImageConfig | undefined,
): number {
  const hasLayer = ({ empty_layer }: HistoryEntry): boolean => empty_layer !== true;
  let layers = 0;
  let end = 0;
  while (layers < layerCount && end < entries.length) {
    const entry = entries[end];
    if (entry !== undefined && hasLayer(entry)) layers += 1;
    end += 1;
  }
  const known = oldBase === undefined ? [] : completeHistory(oldBase);
  const last = known.findLastIndex(hasLayer);
  for (const { created_by } of known.slice(last + 1)) {
    const entry = entries[end];
    if (entry === undefined || hasLayer(entry) || entry.created_by !== created_by) break;
    end += 1;
  }
  return end;
}
