import { ComposeImageError } from "../../model/errors.ts";
import { leadsOut } from "../../plan/directory.ts";
import type { DraftCopy } from "../../plan/plan-draft.ts";

/** What is taken out of an image, and the directory of the build context that it goes into. */
export interface SourcePath {
  readonly source: string;
  readonly destination: string;
  /** Names both in messages. */
  readonly what: string;
}

/**
 * Reads `SRC:DST`, as `oc new-build --source-image-path` takes it.
 *
 * @param what names the setting in messages.
 * @throws ComposeImageError `USAGE`
 */
export function parseSourcePath(text: string, what: string): SourcePath {
  const where = `${what} ${text}`;
  const parts = text.split(":");
  const [source = "", destination = ""] = parts;
  if (parts.length !== 2 || source === "" || destination === "") {
    throw usage(
      `${where} is not SRC:DST`,
      `Write a path of the image and a directory: ${what} /opt/app-root/src:.`,
    );
  }
  expectSource(source, where);
  expectDestination(destination, where);
  return { source, destination, what: where };
}

/**
 * Refuses a source that `cp` could not be given.
 *
 * @throws ComposeImageError `USAGE`
 */
export function expectSource(source: string, what: string): void {
  if (!source.startsWith("/")) {
    throw usage(`${what}: the source ${source} is not an absolute path`, "Paths start at the image's root.");
  }
  if (isRoot(source) && !source.endsWith("/.")) {
    throw usage(`${what}: the root directory has no name to go by`, "Write /. to have its contents.");
  }
}

/**
 * Refuses a destination outside of the build context.
 *
 * @throws ComposeImageError `USAGE`
 */
export function expectDestination(destination: string, what: string): void {
  if (destination.startsWith("/")) {
    throw usage(
      `${what}: the destination ${destination} is not relative`,
      "It is a directory of the build context, and . is the context itself.",
    );
  }
  if (leadsOut(destination)) {
    throw usage(
      `${what}: the destination ${destination} lies outside of the build context`,
      "Write a directory without .. before it.",
    );
  }
}

/**
 * The copy step that does what OpenShift does with `cp -r SRC DST/`: a source goes into the destination under its own
 * name, be it a file or a directory; of one that ends in `/.` the contents do. No character of it is a wildcard.
 * Everything belongs to root, as in a build context.
 */
export function contextCopy({ source, destination }: SourcePath): DraftCopy {
  const components = cleaned(source);
  const directory = ["", ...cleaned(destination)].join("/");
  const name = components.at(-1);
  const hasContents = source.endsWith("/.") || name === undefined;
  return {
    sources: [`/${components.map(literal).join("/")}`],
    destination: hasContents ? `${directory}/` : `${directory}/${name}`,
    chown: { user: 0, group: 0 },
    exclude: [],
    link: false,
  };
}

function isRoot(path: string): boolean {
  return cleaned(path).length === 0;
}

/** The components of a path, `.` and `..` carried out, as by Go's `path.Clean`. */
function cleaned(path: string): string[] {
  const components: string[] = [];
  for (const component of path.split("/")) {
    if (component === "..") components.pop();
    else if (component !== "" && component !== ".") components.push(component);
  }
  return components;
}

function literal(component: string): string {
  return component.replaceAll(/[*?[\\]/g, "\\$&");
}

function usage(message: string, hint: string): ComposeImageError {
  return new ComposeImageError("USAGE", message, { hint });
}
