import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { unstoppable } from "../../../src/io/call.ts";
import { removeLeftovers, withDirectoryLock } from "../../../src/io/directory-lock.ts";
import { parseTemporaryName, temporaryName } from "../../../src/io/temporary-name.ts";
import { indexEntry } from "../../../src/store/layout/index-entry.ts";
import { openLayout } from "../../../src/store/layout/open-layout.ts";
import { run } from "../../support/command.ts";
import { startService } from "../../support/service.ts";
import { temporaryDirectory } from "../../support/temp.ts";
import { pushTinyImage, tinyImage } from "./tiny-image.ts";

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const holdLock = (directory: string) =>
  startService(process.execPath, [script("hold-lock.ts"), directory], /locked/);

describe("the lock of a layout", () => {
  it("lets one in at a time and leaves nothing behind", async () => {
    const directory = await temporaryDirectory("lock");
    let inside = 0;
    const entered: number[] = [];
    const work = async () => {
      inside += 1;
      entered.push(inside);
      await new Promise((resolve) => setTimeout(resolve, 2));
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 12 }, () => withDirectoryLock(directory, work, unstoppable)));
    expect(entered).toEqual(Array(12).fill(1));
    expect(await readdir(directory)).toEqual([]);
  });

  it("is free again when its holder is killed", async () => {
    const directory = await temporaryDirectory("lock");
    const holder = await holdLock(directory);
    expect(await readdir(directory)).toHaveLength(1);
    await holder.stop("SIGKILL");
    expect(await withDirectoryLock(directory, async () => "done", unstoppable)).toBe("done");
    expect(await readdir(directory)).toEqual([]);
  });

  it.skipIf(process.platform !== "linux")(
    "is free again when its holder is killed and nobody reaps it (needs linux)",
    async () => {
      const directory = await temporaryDirectory("lock");
      const command = `"$0" "$1" "$2" & echo "pid $!"; exec sleep 600`;
      const args = ["-c", command, process.execPath, script("hold-lock.ts"), directory];
      const parent = await startService("sh", args, /pid (\d+)\s+locked|locked\s+pid (\d+)/);
      process.kill(Number(parent.ready[1] ?? parent.ready[2]), "SIGKILL");
      expect(await withDirectoryLock(directory, async () => "done", unstoppable)).toBe("done");
      await parent.stop("SIGKILL");
    },
  );

  it("keeps others out while its holder lives, and their wait can be aborted", async () => {
    const directory = await temporaryDirectory("lock");
    const holder = await holdLock(directory);
    const reason = new Error("interrupted");
    const controller = new AbortController();
    const waiting = withDirectoryLock(directory, async () => "done", { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 200);
    await expect(waiting).rejects.toBe(reason);
    expect(await readdir(directory)).toHaveLength(1);
    await holder.stop("SIGKILL");
  });

  it("takes a process id that another process got meanwhile for an ended process", async () => {
    const directory = await temporaryDirectory("lock");
    const name = temporaryName("lock").replace(/-\d+(-[0-9a-f-]{36})$/, "-1$1");
    expect(parseTemporaryName(name)).toMatchObject({ pid: process.pid, start: "1" });
    await writeFile(join(directory, name), "");
    expect(await withDirectoryLock(directory, async () => "done", unstoppable)).toBe("done");
  });

  it("believes a lock of another machine for a minute", async () => {
    const directory = await temporaryDirectory("lock");
    const name = temporaryName("lock").replace(/lock-[0-9a-f]{16}/, "lock-0123456789abcdef");
    const path = join(directory, name);
    await writeFile(path, "");
    const soon = { signal: AbortSignal.timeout(300) };
    await expect(withDirectoryLock(directory, async () => "done", soon)).rejects.toThrow("timeout");
    const past = new Date(Date.now() - 61_000);
    await utimes(path, past, past);
    expect(await withDirectoryLock(directory, async () => "done", unstoppable)).toBe("done");
    expect(await readdir(directory)).toEqual([]);
  });

  it("loses no tag of processes that write to one layout at once", async () => {
    const directory = await temporaryDirectory("lock");
    const layout = await openLayout(directory, { create: true }, unstoppable);
    const image = await tinyImage("hello");
    await pushTinyImage(layout, image);
    await layout.index.update(() => [indexEntry(image.manifest.descriptor)], unstoppable);
    const prefixes = ["a", "b", "c"];
    await Promise.all(
      prefixes.map((prefix) => run(process.execPath, [script("add-tags.ts"), directory, prefix, "10"])),
    );
    const expected = prefixes.flatMap((prefix) => Array.from({ length: 10 }, (_, i) => `${prefix}-${i}`));
    expect([...(await layout.tags(unstoppable))].sort()).toEqual(expected);
    expect((await readdir(directory)).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
  });
});

describe("what killed writers leave", () => {
  it("is removed, unlike what a live process writes", async () => {
    const directory = await temporaryDirectory("leftovers");
    const live = temporaryName("blob");
    const dead = temporaryName("blob").replace(/-\d+(-[0-9a-f-]{36})$/, "-1$1");
    for (const name of [live, dead, ".compose-image-notes"]) await writeFile(join(directory, name), "");
    await removeLeftovers(directory);
    expect((await readdir(directory)).sort()).toEqual([live, ".compose-image-notes"].sort());
  });

  it("stays where it cannot be removed, and keeps nobody from the layout", async () => {
    const directory = await temporaryDirectory("leftovers");
    const stuck = temporaryName("blob").replace(/-\d+(-[0-9a-f-]{36})$/, "-1$1");
    await mkdir(join(directory, stuck));
    await openLayout(directory, { create: true }, unstoppable);
    expect(await readdir(directory)).toContain(stuck);
  });
});
