import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import type { Kinds } from "./kubernetes-kinds.ts";

const page = await readFile(fileURLToPath(new URL("../../docs/kubernetes.md", import.meta.url)), "utf8");

/** The objects of `docs/kubernetes.md`, in its order. */
export const exampleObjects: readonly { readonly kind: string }[] = blocks("yaml").map((text) => parse(text));

/** The blocks of commands there. */
export const exampleCommands: readonly string[] = blocks("sh");

/** The object of a kind there. */
export function objectOf<Kind extends keyof Kinds>(kind: Kind): Kinds[Kind] {
  const [found, ...more] = exampleObjects.filter((each) => each.kind === kind);
  if (!isOf(kind, found) || more.length > 0) throw new Error(`there is no ${kind}, or more than one`);
  return found;
}

function isOf<Kind extends keyof Kinds>(
  kind: Kind,
  found: { readonly kind: string } | undefined,
): found is Kinds[Kind] & { readonly kind: string } {
  return found?.kind === kind;
}

function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(
    ([, text = ""]) => text,
  );
}
