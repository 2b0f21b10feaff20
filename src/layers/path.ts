import { ComposeImageError } from "../model/errors.ts";
import { type ByteString, textOfBytes } from "../tar/byte-string.ts";

/**
 * A path inside an image: components joined by `/`, none of them empty, `.` or `..`, no slash at either end. The root
 * is the empty string.
 */
export type ImagePath = ByteString;

/** The image's root directory. */
export const rootPath = "" as ImagePath;

/** Most bytes of a path: the kernel's `PATH_MAX`, beyond which nothing can be unpacked. */
const maxPathLength = 4096;

const needsCleaning = /(?:^|\/)(?:\.{0,2})(?:\/|$)/;

/**
 * Cleans a path written in an archive or by a user: leading and doubled slashes and `.` go, `..` takes its parent away.
 *
 * @param subject what the path belongs to, for the message.
 * @throws ComposeImageError `PATH_ESCAPES` when `..` leaves the root, `LIMIT_EXCEEDED` for more than 4096 bytes.
 */
export function cleanPath(path: ByteString, subject: string): ImagePath {
  expectPathLength(path, subject);
  if (!needsCleaning.test(path)) return path;
  const components: string[] = [];
  for (const component of path.split("/")) {
    if (component === "" || component === ".") continue;
    if (component !== "..") components.push(component);
    else if (components.pop() === undefined) {
      throw new ComposeImageError(
        "PATH_ESCAPES",
        `${subject}: ${displayPath(path)} leaves the image's root`,
        {
          hint: "Nothing outside the image can be meant; the layer is damaged or hostile.",
        },
      );
    }
  }
  return components.join("/") as ImagePath;
}

/** @throws ComposeImageError `LIMIT_EXCEEDED` for a path of more than 4096 bytes. */
export function expectPathLength(path: ByteString, subject: string): void {
  if (path.length <= maxPathLength) return;
  throw new ComposeImageError(
    "LIMIT_EXCEEDED",
    `${subject}: a path of ${path.length} bytes, which begins ${displayPath(path.slice(0, 60) as ByteString)}; the limit is ${maxPathLength}`,
    { hint: "No system could unpack it; the layer is damaged or hostile." },
  );
}

/** @throws ComposeImageError `LIMIT_EXCEEDED` for a link whose target has more than 4096 bytes. */
export function expectLinkLength(target: ByteString, link: ImagePath, subject: string): void {
  if (target.length > maxPathLength) expectPathLength(target, `${subject}, link ${displayPath(link)}`);
}

/**
 * Resolves a symlink's or user's target against a directory; `..` at the root stays at the root, as in a chroot.
 *
 * @param directory what a relative target starts from.
 */
export function resolveLexically(directory: ImagePath, target: ByteString): ImagePath {
  const components = target.startsWith("/") || directory === "" ? [] : directory.split("/");
  for (const component of target.split("/")) {
    if (component === "" || component === ".") continue;
    if (component === "..") components.pop();
    else components.push(component);
  }
  return components.join("/") as ImagePath;
}

/** The directory a path is in; the root's is the root. */
export function parentOf(path: ImagePath): ImagePath {
  const slash = path.lastIndexOf("/");
  return (slash < 0 ? "" : path.slice(0, slash)) as ImagePath;
}

/** The last component; empty for the root. */
export function nameOf(path: ImagePath): ByteString {
  return path.slice(path.lastIndexOf("/") + 1) as ByteString;
}

/** The path of a name in a directory. */
export function childPath(directory: ImagePath, name: ByteString): ImagePath {
  return (directory === "" ? name : `${directory}/${name}`) as ImagePath;
}

/** The components from the root down; none for the root. */
export function componentsOf(path: ImagePath): ByteString[] {
  return path === "" ? [] : (path.split("/") as ByteString[]);
}

/** Whether the path is the directory or below it. */
export function isWithin(path: ImagePath, directory: ImagePath): boolean {
  return (
    directory === "" || path === directory || (path.startsWith(directory) && path[directory.length] === "/")
  );
}

/** The path as people write it: absolute, as text. */
export function displayPath(path: ByteString): string {
  const text = textOfBytes(path);
  return text.startsWith("/") ? text : `/${text}`;
}

/** A destination as typed, made absolute: a relative one is meant from the directory. A slash at its end stays. */
export function fromDirectory(destination: string, directory: string): string {
  return destination.startsWith("/") ? destination : `${directory}/${destination}`;
}
