import type { Located } from "./located.ts";

/** The text of a key at a mapping's top, such as the `kind` of an object of Kubernetes; empty where there is none. */
export function textAt(document: Located, key: string): string {
  const value = document.kind === "map" ? document.entries.get(key)?.value : undefined;
  return value?.kind === "scalar" ? value.text : "";
}
