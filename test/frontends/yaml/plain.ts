import type { Located } from "../../../src/frontends/yaml/located.ts";

/** What a value is without its places. */
export function plain(value: Located): unknown {
  if (value.kind === "scalar") return value.value;
  if (value.kind === "list") return value.items.map(plain);
  return Object.fromEntries([...value.entries].map(([key, entry]) => [key, plain(entry.value)]));
}
