import { dir, type EntrySpec, file, hardlink, opaque, symlink, whiteout } from "../layers/support/entries.ts";
import type { Random } from "./random.ts";

const names = [
  "a",
  "b",
  "src",
  "a/b",
  "src/a",
  "src/b",
  "src/a/b",
  "src/b/a",
  "src/c",
  "out",
  "a/b/c",
  ".wh..wh.plnk/1",
];
const targets = [...names, "/src", "/", ".", "..", "../..", "../src/a", "a/../../../etc", "src/a", "/a/b"];

/** Entries of a few layers over few names, so that they meet. */
export function layersInput(random: Random): EntrySpec[][] {
  return random.several(1, 3, () =>
    random.several(1, 7, () => {
      const name = random.percent(97)
        ? random.pick(names)
        : random.pick(["../up", "src/.wh.", "x/.wh.y/z", "./src//a"]);
      switch (random.below(9)) {
        case 0:
        case 1:
          return dir(name, { mode: random.below(0o10000), uid: random.below(9) });
        case 2:
        case 3:
          return symlink(name, random.pick(targets));
        case 4:
          return hardlink(name, random.percent(70) ? random.pick(names) : random.pick(targets));
        case 5:
          return whiteout(name);
        case 6:
          return random.percent(40) ? opaque(random.pick(["", "src", "a", "src/a"])) : file(name, "");
        default:
          return file(name, `content ${random.below(9)}`, { mode: random.below(0o10000) });
      }
    }),
  );
}
