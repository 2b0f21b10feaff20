import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { type ComposeFlags, parseComposeFlags } from "../../src/frontends/flags/compose-flags.ts";
import type { TransferEvent } from "../../src/io/transfer.ts";
import { type ComposeOptions, type ComposeResult, compose } from "../../src/ops/compose.ts";
import { dir, file, symlink } from "../layers/support/entries.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { type ImageSpec, putImage, readImage } from "./support/images.ts";

const common = [
  dir("etc"),
  file("etc/passwd", "root:x:0:0::/:\napp:x:1001:2002::/:\n"),
  file("etc/group", "root:x:0:\nstaff:x:50:\n"),
  file("etc/os-release", "ID=made\n".repeat(1000)),
  dir("srv", { mode: 0o2775, gid: 50 }),
  file("srv/large", "x".repeat(100_000)),
];
const base: ImageSpec = { layers: [common, [symlink("var", "srv")]] };
/** Shares the base's lowest layer, as images of one distribution do. */
const builder: ImageSpec = { layers: [common, [dir("app"), file("app/f", "1")]] };

let layouts: string;
let cacheDirectory: string;

beforeEach(async () => {
  layouts = await temporaryDirectory("ops");
  cacheDirectory = await temporaryDirectory("cache");
  for (const [tag, image] of Object.entries({ base, builder })) await putImage(layouts, tag, image);
});

interface Run {
  readonly result: ComposeResult;
  readonly digest: string | undefined;
  /** Layers that were not read, and why nothing is kept. */
  readonly notes: readonly string[];
  readonly warnings: readonly string[];
}

async function run(flags: ComposeFlags = {}, options: ComposeOptions = { cacheDirectory }): Promise<Run> {
  const events: TransferEvent[] = [];
  const plan = parseComposeFlags({
    builder: `oci:${layouts}:builder`,
    base: `oci:${layouts}:base`,
    directory: ["/app:/var/app"],
    tag: [`oci:${layouts}:out`],
    ...flags,
  });
  const result = await compose(plan, { onTransfer: (event) => events.push(event), ...options });
  const messages = (kind: "note" | "warning"): string[] =>
    events.flatMap((event) => (event.kind === kind ? [event.message] : []));
  return {
    result,
    digest: result.images[0]?.descriptor.digest,
    notes: messages("note"),
    warnings: messages("warning"),
  };
}

const kept = (): Promise<string[]> => readdir(join(cacheDirectory, "layers")).catch(() => []);

describe("what the base holds", () => {
  it("is kept by layer, and then not read, for the same image", async () => {
    const flags = { chown: "app:staff" };
    const without = await run(flags, {});
    const first = await run(flags);
    expect(await kept()).toHaveLength(2);
    const second = await run(flags);
    expect(new Set([without.digest, first.digest, second.digest]).size).toBe(1);
    expect(second.notes.filter((note) => note.startsWith("not reading layer"))).not.toEqual([]);
    expect(without.notes).toEqual([]);
  });

  it("does not stand in for content: what is copied of a layer that the base shares is read", async () => {
    const flags = { directory: ["/etc:/copy", "/srv:/srv"] };
    const without = await run(flags, {});
    await run({});
    const cached = await run(flags);
    expect(cached.notes.filter((note) => note.startsWith("not reading layer"))).not.toEqual([]);
    expect(cached.digest).toBe(without.digest);
  });

  it("is kept of no layer that only the builder has", async () => {
    await run({ directory: ["/app:/srv/app"] });
    const { manifest } = await readImage(layouts, "base");
    const digests = manifest.layers.map(({ digest }) => digest.replace(":", "-"));
    expect((await kept()).sort()).toEqual(digests.map((digest) => `${digest}.v1`).sort());
  });

  it("is neither kept nor asked for with --link", async () => {
    await run({ link: true });
    expect(await kept()).toEqual([]);
    await run();
    expect((await run({ link: true })).notes).toEqual([]);
  });

  it("is nobody's business unless a directory is given", async () => {
    await run({}, {});
    expect(await kept()).toEqual([]);
  });

  it("is not kept where that cannot be, which is one note and no fault", async () => {
    const { digest, notes } = await run({}, { cacheDirectory: "/dev/null/cache" });
    expect(digest).toBe((await run({}, {})).digest);
    expect(notes).toEqual([
      "not keeping what the base holds: cannot make /dev/null/cache/layers: not a directory",
    ]);
  });

  it("is left out of what a dry run says would be read", async () => {
    const read = async (): Promise<string[] | undefined> =>
      (await run({}, { cacheDirectory, dryRun: "plan" })).result.forecast?.reads.map(
        ({ image }) => image.split(" ")[0] ?? "",
      );
    expect(await read()).toEqual(["builder", "base"]);
    expect(await kept()).toEqual([]);
    await run({}, { cacheDirectory, dryRun: "full" });
    expect(await kept()).toHaveLength(2);
    expect(await read()).toEqual(["builder"]);
  });
});

describe("the user the container is to run as", () => {
  it.each(["root", "app", "app:staff", "0", "4711:4712", "app:4712", "4711:staff"])(
    "may be %s without a word: names the base has, or numbers",
    async (user) => {
      expect((await run({ user })).warnings).toEqual([]);
      expect((await run({ user })).warnings).toEqual([]);
    },
  );

  it.each([
    ["nobody", 'has no user "nobody" in /etc/passwd'],
    ["app:crew", 'has no group "crew" in /etc/group'],
    ["4711:crew", 'has no group "crew" in /etc/group'],
  ])("is warned of where the base has no %s", async (user, message) => {
    const warning = `the container is to run as ${user}: base oci:${layouts}:base ${message}`;
    expect((await run({ user })).warnings).toEqual([warning]);
    expect((await run({ user })).warnings).toEqual([warning]);
  });

  it("is unknown to scratch", async () => {
    const { warnings } = await run({ base: "scratch", user: "app" });
    expect(warnings).toEqual(['the container is to run as app: scratch has no user "app" in /etc/passwd']);
    expect((await run({ base: "scratch", user: "1" })).warnings).toEqual([]);
  });

  it("may be made known by what is copied", async () => {
    expect((await run({ directory: ["/etc/passwd"], user: "later" })).warnings).toEqual([]);
    expect((await run({ directory: ["/etc:/etc"], user: "later:later" })).warnings).toEqual([]);
  });

  it("is not checked where the base is not looked at", async () => {
    expect((await run({ user: "nobody", link: true })).warnings).toEqual([]);
  });
});
