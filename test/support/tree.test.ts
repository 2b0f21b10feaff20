import { chmod, link, mkdir, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "./command.ts";
import { temporaryDirectory } from "./temp.ts";
import { describeWith } from "./tools.ts";
import { displayPath, readTree, subtree, type Tree } from "./tree.ts";
import { diffTrees, formatDifferences, formatTime } from "./tree-diff.ts";

async function makeTree(): Promise<string> {
  const root = await temporaryDirectory("tree");
  await mkdir(join(root, "sub"));
  await writeFile(join(root, "sub", "file"), "content");
  await writeFile(Buffer.concat([Buffer.from(`${root}/sub/caf`), Buffer.from([0xe9])]), "");
  await link(join(root, "sub", "file"), join(root, "outside"));
  await symlink("file", join(root, "sub", "link"));
  await utimes(join(root, "sub"), 1000, 1000);
  return root;
}

const differencesAfter = async (change: (root: string) => Promise<unknown>): Promise<string> => {
  const root = await makeTree();
  const before: Tree = await readTree(root);
  await change(root);
  const differences = diffTrees(before, await readTree(root));
  return formatDifferences(differences.filter(({ path }) => path !== "."));
};

describeWith(["getfattr", "setfattr"], "a tree", () => {
  test("is equal to itself", async () => {
    expect(await differencesAfter(async () => {})).toBe("");
  });

  test("keeps names that are not UTF-8, and shows them escaped", async () => {
    const tree = await readTree(await makeTree());
    expect([...tree.keys()]).toContain("sub/caf\xe9");
    expect(displayPath("sub/caf\xe9")).toBe("sub/caf\\xe9");
  });

  test("names hardlinks, and a part of it only those inside", async () => {
    const tree = await readTree(await makeTree());
    expect(tree.get("sub/file")?.hardlinks).toEqual(["outside", "sub/file"]);
    expect(subtree(tree, "sub").get("file")?.hardlinks).toEqual([]);
  });

  test.each<{ what: string; change: (root: string) => Promise<unknown>; seen: RegExp }>([
    { what: "mode", change: (root) => chmod(`${root}/sub`, 0o2700), seen: /^sub: mode: .* got 02700$/ },
    {
      what: "time",
      change: (root) => utimes(`${root}/sub`, 1, 1.5),
      seen: /^sub: mtime: .* got 1\.500000000$/,
    },
    {
      what: "content",
      change: async (root) => {
        await writeFile(`${root}/sub/file`, "CONTENT");
        await utimes(`${root}/sub/file`, 1, 1);
      },
      seen: /^sub\/file: content: /m,
    },
    {
      what: "attribute of a name with odd characters",
      change: async (root) => {
        await mkdir(`${root}/sub/a = b\n\\`);
        await run("setfattr", ["-n", "user.a", "-v", "0x00ff", `${root}/sub/a = b\n\\`]);
      },
      seen: /presence: expected absent, got directory$/m,
    },
    {
      what: "extended attribute",
      change: (root) => run("setfattr", ["-n", "user.a", "-v", "0x00ff", `${root}/sub`]),
      seen: /^sub: xattrs: expected none, got user\.a=00ff$/,
    },
    {
      what: "link",
      change: (root) => run("ln", ["-sfn", "other", `${root}/sub/link`]),
      seen: /^sub\/link: link target: expected file, got other$/m,
    },
  ])("shows a change of $what", async ({ change, seen }) => {
    expect(await differencesAfter(change)).toMatch(seen);
  });

  test("finds the attributes of names with odd characters", async () => {
    const root = await temporaryDirectory("tree");
    for (const name of ["a = b", "new\nline", "back\\slash", "café", "# file: x"]) {
      await writeFile(join(root, name), "");
      await run("setfattr", ["-n", "user.name", "-v", "0x01", join(root, name)]);
    }
    const tree = await readTree(root);
    const bare = [...tree].filter(([path, { xattrs }]) => path !== "." && xattrs.get("user.name") !== "01");
    expect(bare.map(([path]) => displayPath(path))).toEqual([]);
  });
});

test("a time before 1970 is written with its fraction counted forward", () => {
  expect(formatTime(-1n)).toBe("-1.999999999");
  expect(formatTime(-14_182_940_000_000_000n)).toBe("-14182940.000000000");
});
