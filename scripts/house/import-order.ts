import { readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, posix } from "node:path";
import { findCycle } from "./cycles.ts";
import { linksOf, type ModuleImport } from "./module-imports.ts";

/** The folders of src/ and what each may import beside itself; `src/index.ts` is above them all. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  model: [],
  plan: ["model"],
  io: ["model"],
  codec: ["model", "io"],
  tar: ["model", "io"],
  store: ["model", "io", "codec", "tar"],
  layers: ["model", "io", "codec", "tar", "store"],
  ops: ["model", "plan", "io", "codec", "tar", "store", "layers"],
  mirror: ["model", "plan", "io", "codec", "tar", "store", "layers", "ops"],
  frontends: ["model", "plan"],
  server: ["model", "io", "store"],
  cli: ["model", "plan", "io", "codec", "tar", "store", "layers", "ops", "mirror", "frontends", "server"],
};

/** The only file that may re-export, and that no other file of src/ may import. */
const barrel = "src/index.ts";

/** A place that breaks the order, and how. */
export interface Violation {
  /** Relative to the project, with forward slashes. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly message: string;
}

/** What {@link checkImports} looked at and found. */
export interface ImportReport {
  readonly files: number;
  readonly imports: number;
  /** In order of file and line. */
  readonly violations: readonly Violation[];
}

/**
 * Checks every module of a project's src/: the folders' order, runtime dependencies only, one barrel, no default
 * exports, no cycles. Value imports, type imports, re-exports and dynamic imports count alike.
 *
 * @param project the folder that holds src/ and package.json.
 * @throws Error naming the file where a module cannot be read.
 */
export function checkImports(project: string): ImportReport {
  const files = readdirSync(join(project, "src"), { recursive: true, encoding: "utf8" })
    .map((name) => `src/${name.replaceAll("\\", "/")}`)
    .filter((name) => /\.[cm]?[jt]sx?$/.test(name))
    .sort();
  const known = new Set(files);
  const dependencies = runtimeDependencies(project);
  const graph = new Map<string, Map<string, number>>();
  const violations: Violation[] = [];
  let imports = 0;

  for (const file of files) {
    const links = readLinks(project, file);
    const targets = new Map<string, number>();
    graph.set(file, targets);
    for (const link of links.imports) {
      imports++;
      const target = relativeTarget(file, link);
      const message =
        target === undefined ? packageFault(link, dependencies) : moduleFault(file, target, known);
      if (message !== undefined) violations.push({ file, line: link.line, message });
      else if (target !== undefined && !targets.has(target)) targets.set(target, link.line);
      if (link.kind === "re-export" && file !== barrel) {
        violations.push({
          file,
          line: link.line,
          message: `re-exports ${link.specifier}; only ${barrel} may`,
        });
      }
    }
    for (const { what, line } of links.discouragedExports) {
      if (what === "default")
        violations.push({ file, line, message: "exports a default; exports are named" });
      else if (file !== barrel) {
        violations.push({ file, line, message: `re-exports the imported ${what}; only ${barrel} may` });
      }
    }
  }
  violations.push(...cycles(graph));
  violations.sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
  return { files: files.length, imports, violations };
}

/** `src/io/retry.ts` for an import of `../io/retry.ts`; undefined for a package. */
function relativeTarget(file: string, { specifier }: ModuleImport): string | undefined {
  if (specifier === undefined || !/^\.{0,2}\//.test(specifier)) return undefined;
  return posix.join(dirname(file), specifier);
}

function moduleFault(file: string, target: string, known: ReadonlySet<string>): string | undefined {
  if (!target.startsWith("src/")) return `imports ${target}, which is outside src/`;
  if (!known.has(target)) return `imports ${target}, which does not exist`;
  if (file === barrel) return undefined;
  if (target === barrel) return `imports ${barrel}; import from the file that holds the name`;
  const from = folderOf(file);
  const to = folderOf(target);
  const allowed = mayImport[from];
  if (allowed === undefined) return `is in src/${from}, a folder that the import order does not name`;
  if (to === from || allowed.includes(to)) return undefined;
  const list = allowed.length === 0 ? "nothing" : allowed.join(", ");
  return `imports ${target}; ${from}/ may import ${list}`;
}

function packageFault(link: ModuleImport, dependencies: ReadonlySet<string>): string | undefined {
  const { specifier } = link;
  if (specifier === undefined) return "imports a computed specifier, which no check can follow";
  if (isBuiltin(specifier)) return undefined;
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  if (dependencies.has(name)) return undefined;
  return `imports ${name}, which is not among the dependencies of package.json`;
}

/** The first folder below src/; the file's own name for a file directly in it. */
function folderOf(file: string): string {
  return file.split("/")[1] ?? "";
}

function cycles(graph: ReadonlyMap<string, ReadonlyMap<string, number>>): Violation[] {
  const cycle = findCycle(new Map([...graph].map(([file, targets]) => [file, [...targets.keys()]])));
  const [file, next] = cycle ?? [];
  if (cycle === undefined || file === undefined) return [];
  const line = graph.get(file)?.get(next ?? file) ?? 1;
  return [{ file, line, message: `is in a cycle: ${[...cycle, file].join(" -> ")}` }];
}

function readLinks(project: string, file: string): ReturnType<typeof linksOf> {
  try {
    return linksOf(readFileSync(join(project, file), "utf8"));
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function runtimeDependencies(project: string): Set<string> {
  const manifest: Record<string, unknown> = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
  const sections = [manifest.dependencies, manifest.optionalDependencies];
  return new Set(sections.flatMap((section) => Object.keys(section ?? {})));
}
