import { existsSync } from "node:fs";
import { chmod, chown, mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { unstoppable } from "../../../src/io/call.ts";
import { temporaryName } from "../../../src/io/temporary-name.ts";
import { FileCache, type FileCacheOptions } from "../../../src/store/cache/file-cache.ts";
import { gather } from "../../codec/chunking.ts";
import { temporaryDirectory } from "../../support/temp.ts";
import { describeWith } from "../../support/tools.ts";

let home: string;
let directory: string;
let notes: string[];

beforeEach(async () => {
  home = await temporaryDirectory("cache");
  directory = join(home, "deep", "cache");
  notes = [];
});

function cacheIn(place: string = directory, options: FileCacheOptions = {}): FileCache {
  return new FileCache(place, { onNote: (message) => notes.push(message), ...options });
}

const name = (digit: number): string => `sha256-${String(digit).repeat(64)}.v1`;

async function put(cache: FileCache, digit: number, content: string): Promise<void> {
  const entry = cache.begin();
  await entry.append(Buffer.from(content));
  await entry.publish(name(digit));
}

async function get(cache: FileCache, digit: number): Promise<string | undefined> {
  const content = await cache.open(name(digit), unstoppable);
  return content && (await gather(content)).toString();
}

describe("an entry", () => {
  it("is there once it is published, for other caches of the directory too, and not before", async () => {
    const cache = cacheIn();
    const entry = cache.begin();
    expect(await entry.append(Buffer.from("one "))).toBe(true);
    expect(await entry.append(Buffer.from("two"))).toBe(true);
    expect(await get(cacheIn(), 1)).toBeUndefined();
    await entry.publish(name(1));
    expect(await get(cacheIn(), 1)).toBe("one two");
    expect(await cacheIn().has(name(1))).toBe(true);
    expect(await readdir(directory)).toEqual([name(1)]);
  });

  it("is for its user alone, and so is the directory", async () => {
    await put(cacheIn(), 1, "x");
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    expect((await stat(join(directory, name(1)))).mode & 0o777).toBe(0o600);
  });

  it("that two write at once is whole, the last one's", async () => {
    const [one, other] = [cacheIn().begin(), cacheIn().begin()];
    await Promise.all([one.append(Buffer.from("1")), other.append(Buffer.from("2"))]);
    await Promise.all([one.append(Buffer.from("1")), other.append(Buffer.from("2"))]);
    await one.publish(name(1));
    expect(await get(cacheIn(), 1)).toBe("11");
    await other.publish(name(1));
    expect(await get(cacheIn(), 1)).toBe("22");
    expect(await readdir(directory)).toEqual([name(1)]);
  });

  it("that is given up, or is too large, leaves nothing", async () => {
    const cache = cacheIn(directory, { maxEntrySize: 10 });
    const given = cache.begin();
    await given.append(Buffer.from("12345"));
    await given.discard();
    await given.publish(name(1));
    const large = cache.begin();
    expect(await large.append(Buffer.from("1234567890"))).toBe(true);
    expect(await large.append(Buffer.from("1"))).toBe(false);
    await large.publish(name(2));
    expect(await readdir(directory)).toEqual([]);
    expect(notes).toEqual([]);
  });

  it("can be discarded, also when it is not there", async () => {
    const cache = cacheIn();
    await cache.discard(name(1));
    await put(cache, 1, "x");
    await cache.discard(name(1));
    expect(await get(cache, 1)).toBeUndefined();
  });

  it("that is a symlink, or that others may write to, is not there", async () => {
    const cache = cacheIn();
    await put(cache, 1, "x");
    await writeFile(join(home, "elsewhere"), "not an entry", { mode: 0o600 });
    await symlink(join(home, "elsewhere"), join(directory, name(2)));
    expect(await get(cache, 2)).toBeUndefined();
    await chmod(join(directory, name(1)), 0o622);
    expect(await get(cache, 1)).toBeUndefined();
  });
});

describe("reading", () => {
  it("makes no directory", async () => {
    const cache = cacheIn();
    expect(await cache.has(name(1))).toBe(false);
    expect(await get(cache, 1)).toBeUndefined();
    expect(existsSync(join(home, "deep"))).toBe(false);
    expect(notes).toEqual([]);
  });
});

describe("a directory that is not to be trusted", () => {
  const expectUnused = async (reason: string): Promise<void> => {
    const cache = cacheIn();
    expect(await get(cache, 1)).toBeUndefined();
    const before = await readdir(directory);
    await put(cache, 2, "mine");
    await put(cache, 3, "mine");
    expect(await readdir(directory)).toEqual(before);
    expect(notes).toEqual([`${directory}: ${reason}`]);
  };

  it.each([0o777, 0o770, 0o702])(
    "because its mode is %o is neither read nor written, and that is said once",
    async (mode) => {
      await put(cacheIn(), 1, "planted");
      await chmod(directory, mode);
      await expectUnused("other users may write to it");
    },
  );

  describeWith(["root"], "because of its owner", () => {
    it("is neither read nor written, and that is said once", async () => {
      await put(cacheIn(), 1, "planted");
      await chown(directory, 12_345, 0);
      await expectUnused("it belongs to another user");
    });

    it("may hold entries of others, which are not there", async () => {
      const cache = cacheIn();
      await put(cache, 1, "planted");
      await chown(join(directory, name(1)), 12_345, 0);
      expect(await get(cache, 1)).toBeUndefined();
    });
  });
});

describe("a directory that cannot be made", () => {
  it("means that nothing is kept, which is said once", async () => {
    await writeFile(join(home, "file"), "");
    const cache = cacheIn(join(home, "file", "cache"));
    await put(cache, 1, "x");
    await put(cache, 2, "x");
    expect(await cache.has(name(1))).toBe(false);
    expect(notes).toEqual([`cannot make ${join(home, "file", "cache")}: not a directory`]);
  });

  it("because a file is there means the same", async () => {
    await writeFile(join(home, "file"), "");
    const cache = cacheIn(join(home, "file"));
    await put(cache, 1, "x");
    expect(notes).toEqual([`${join(home, "file")} is not a directory`]);
  });

  it("or written to, means the same, and what is there stays", async () => {
    const cache = cacheIn();
    await put(cache, 1, "x");
    const entry = cache.begin();
    await entry.append(Buffer.from("x"));
    await mkdir(join(directory, name(2)));
    await writeFile(join(directory, name(2), "in the way"), "");
    await entry.publish(name(2));
    expect(notes).toHaveLength(1);
    expect(await readdir(directory)).toEqual([name(1), name(2)]);
    expect(await get(cache, 1)).toBe("x");
  });
});

describe("room", () => {
  const used = (digit: number, seconds: number): Promise<void> =>
    utimes(join(directory, name(digit)), seconds, seconds);

  it("is made by removing the entries used longest ago", async () => {
    const cache = cacheIn(directory, { maxSize: 25 });
    for (const digit of [1, 2]) await put(cache, digit, "x".repeat(10));
    await used(1, 1000);
    await used(2, 2000);
    expect(await get(cache, 1)).toHaveLength(10);
    await put(cache, 3, "x".repeat(10));
    expect((await readdir(directory)).sort()).toEqual([name(1), name(3)]);
  });

  it("counts what earlier runs left, and entries of other versions, and spares the newest whatever its size", async () => {
    await put(cacheIn(), 1, "x".repeat(10));
    await writeFile(join(directory, "sha256-00.v0"), "x".repeat(10));
    await used(1, 1000);
    await put(cacheIn(directory, { maxSize: 15 }), 2, "x".repeat(20));
    expect(await readdir(directory)).toEqual([name(2)]);
  });

  it("is not made of files that are none of the cache's", async () => {
    await put(cacheIn(), 1, "x");
    await writeFile(join(directory, "mine.txt"), "x".repeat(100));
    await put(cacheIn(directory, { maxSize: 1 }), 2, "x");
    expect((await readdir(directory)).sort()).toEqual(["mine.txt", name(2)]);
  });

  it("is not taken up by what killed processes left behind, unlike what is still being written", async () => {
    await put(cacheIn(), 1, "x");
    const ended = temporaryName("entry").replace(/-\d+(-[0-9a-f-]{36})$/, "-1$1");
    const elsewhere = temporaryName("entry").replace(/entry-[0-9a-f]{16}/, "entry-0123456789abcdef");
    const elsewhereLongAgo = temporaryName("entry").replace(/entry-[0-9a-f]{16}/, "entry-0123456789abcdef");
    const ours = temporaryName("entry");
    for (const file of [ended, elsewhere, elsewhereLongAgo, ours])
      await writeFile(join(directory, file), "x");
    await utimes(join(directory, elsewhereLongAgo), 1000, 1000);
    await put(cacheIn(), 2, "x");
    expect((await readdir(directory)).sort()).toEqual([elsewhere, ours, name(1), name(2)].sort());
    expect(await readFile(join(directory, ours), "utf8")).toBe("x");
  });
});
