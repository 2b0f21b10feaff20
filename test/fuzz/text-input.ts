import { digestOf } from "../../src/model/digest.ts";
import type { Random } from "./random.ts";

const digest = digestOf(Buffer.from("content"));
const sha512 = digestOf(Buffer.from("content"), "sha512");

/** A reference or location, its parts taken from a list of good and odd ones. */
export function referenceInput(random: Random): string {
  const odd = (): string =>
    random.pick([
      "",
      " ",
      "\n",
      "A",
      "..",
      "-",
      "a_b",
      "a__b",
      "a___b",
      "é",
      "\0",
      "x".repeat(300),
      "@",
      ":",
      "/",
    ]);
  const or = (good: readonly string[], chance = 12): string =>
    random.percent(chance) ? odd() : random.pick(good);
  const scheme = random.percent(12)
    ? random.pick(["docker://", "oci:", "https://", "dir:", "u:p@", "oci-archive:"])
    : "";
  const host = or([
    "",
    "registry.example/",
    "localhost/",
    "localhost:5000/",
    "[::1]:5000/",
    "10.0.0.1/",
    "docker.io/",
    "Reg/",
  ]);
  const path = random.several(1, 3, () => or(["app", "team", "a-b", "a.b", "library", "0"], 6)).join("/");
  const tag = random.percent(40) ? `:${or(["1", "latest", "v1.2_3-x", "A"])}` : "";
  const content = random.percent(30) ? `@${or([digest, sha512, digest], 20)}` : "";
  const text = `${scheme}${host}${path}${tag}${content}`;
  if (!random.percent(15)) return text;
  const at = random.below(text.length + 1);
  return text.slice(0, at) + odd() + text.slice(at + random.below(3));
}

/** A path as layers have it, mostly with a marker in it. */
export function markerInput(random: Random): string {
  const marker = (): string =>
    random.pick([
      ".wh.a",
      ".wh..wh..opq",
      ".wh.",
      ".wh..",
      ".wh...",
      ".wh..wh.plnk",
      ".wh..a",
      ".wh.\xff",
      ".wh..wh.",
    ]);
  const plain = (): string =>
    random.pick(["a", "b", "etc", ".", "..", "", ".whx", "wh.", "\0", "\xe9", ".hidden", "\u001b"]);
  const parts = random.several(1, 6, () => (random.percent(15) ? marker() : plain()));
  if (random.percent(70)) parts.push(marker());
  if (random.percent(2)) parts.push("long/".repeat(1000));
  return `${random.pick(["", "/", "./", ""])}${parts.join("/")}${random.pick(["", "", "/"])}`;
}

/** The body of an extended header; lengths are right in most records. */
export function paxInput(random: Random): string {
  const body = random
    .several(1, 6, () => {
      const keyword = random.percent(90)
        ? random.pick(["path", "size", "mtime", "a", "GNU.sparse.offset", "GNU.sparse.numbytes"])
        : random.bytes(6);
      const rest = ` ${keyword}=${random.percent(70) ? random.pick(["x", "", "1", "a=b", "\n"]) : random.bytes(20)}\n`;
      let length = rest.length + 1;
      while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
      return `${random.percent(92) ? length : random.pick([0, -1, 3, length + 1, 999_999_999, 10_000_000_000])}${rest}`;
    })
    .join("");
  return random.percent(85) ? body : body.slice(0, random.below(body.length + 1)) + random.bytes(4);
}

/** Lines of `WWW-Authenticate`. */
export function challengeInput(random: Random): string[] {
  return random.several(1, 3, () => {
    const challenge = (): string => {
      const parameters = random.several(0, 4, () => {
        const name = random.pick(["realm", "service", "scope", "error", "REALM", "", "é"]);
        const value = random.pick([
          "https://auth.example/token",
          "http://127.0.0.1/",
          "file:///etc/passwd",
          "a,b",
          'a\\"b',
          "repository:a:pull",
          "",
          "https://u:p@h/",
          "http://[::",
        ]);
        return `${name}${random.pick(["=", " = ", ""])}${random.percent(75) ? `"${value}"` : value}`;
      });
      return `${random.pick(["Bearer", "Basic", "bearer", "Negotiate abc==", "", "\t"])} ${parameters.join(random.pick([",", ", ", " ", ";"]))}`;
    };
    const line = random.several(1, 3, challenge).join(", ");
    return random.percent(80) ? line : line.slice(0, random.below(line.length + 1)) + random.bytes(5);
  });
}
