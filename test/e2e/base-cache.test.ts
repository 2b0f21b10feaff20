import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type ComposeArguments, type ComposeScene, composeScene } from "../support/compose-scene.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { readImage } from "../support/read-image.ts";
import { registryKinds } from "../support/registries.ts";
import { type CliResult, runCli } from "../support/run-cli.ts";
import { createSandbox } from "../support/sandbox.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

for (const kind of registryKinds) {
  describeWith(["cli", ...kind.needs], `what the base holds, kept between runs, with ${kind.name}`, () => {
    let scene: ComposeScene;
    let base: string;
    let baseLayer: string;
    /** `XDG_CACHE_HOME` of a test's runs. */
    let caches: string;
    let count = 0;

    beforeAll(async () => {
      scene = await composeScene(await kind.start());
      base = `${scene.proxy.host}/scene/base:1`;
      baseLayer = scene.base.layers[0]?.descriptor.digest ?? "";
    });
    afterAll(() => scene.stop());
    beforeEach(async () => {
      caches = await temporaryDirectory("caches");
    });

    const entries = (): string => join(caches, "compose-image", "layers");
    const entry = (): string => join(entries(), `${baseLayer.replace(":", "-")}.v1`);

    async function compose(changes: ComposeArguments = {}): Promise<CliResult> {
      count += 1;
      const tag = `${scene.proxy.host}/scene/cached-${count}:1`;
      const args = scene.arguments({ base, chown: "web:staff", directory: "/app:/etc/app", tag, ...changes });
      const result = await runCli(args, { env: { XDG_CACHE_HOME: caches } });
      expect(result, result.stderr).toMatchObject({ status: 0 });
      return result;
    }

    const digestOf = ({ stdout }: CliResult): string => stdout.trim().replace(/^.*@/, "");

    /** How often the base's layer is downloaded while the work goes on. */
    async function downloadsDuring(work: () => Promise<unknown>): Promise<number> {
      scene.proxy.forget();
      await work();
      const isDownload = ({ method, path }: { method: string; path: string }): boolean =>
        method === "GET" && path.endsWith(baseLayer);
      return scene.proxy.exchanges.filter(isDownload).length;
    }

    test("spares the second run the base's layers, and changes nothing about the image", async () => {
      const digests = new Set<string>();
      const once = async (changes?: ComposeArguments) => void digests.add(digestOf(await compose(changes)));
      expect(await downloadsDuring(() => once())).toBe(1);
      expect(await readdir(entries())).toEqual([`${baseLayer.replace(":", "-")}.v1`]);
      expect(await downloadsDuring(() => once())).toBe(0);
      expect(await downloadsDuring(() => once({ "no-cache": true }))).toBe(1);
      expect(await downloadsDuring(() => once())).toBe(0);
      expect(digests.size).toBe(1);
    });

    test("counts for any image with that layer, whatever is asked of it", async () => {
      await compose({ chown: "1:1", directory: "/app:/srv" });
      expect(await downloadsDuring(() => compose({ user: "web", workdir: "/etc/deep" }))).toBe(0);
      const { stderr } = await compose({ user: "nobody" });
      expect(stderr).toContain(
        `warning: the container is to run as nobody: base ${base} has no user "nobody" in /etc/passwd\n`,
      );
    });

    test("is made again where it is damaged", async () => {
      const digest = digestOf(await compose());
      const sound = await readFile(entry());
      const flipped = Buffer.from(sound);
      const middle = sound.byteLength >> 1;
      flipped[middle] = (flipped[middle] ?? 0) ^ 1;
      for (const damaged of [flipped, sound.subarray(0, middle), Buffer.alloc(0), Buffer.from("not one")]) {
        await writeFile(entry(), damaged);
        const downloads = await downloadsDuring(async () => expect(digestOf(await compose())).toBe(digest));
        expect(downloads).toBe(1);
        expect(await readFile(entry())).toEqual(sound);
      }
      expect(await downloadsDuring(() => compose())).toBe(0);
    });

    test("stays whole when several runs make it at once", async () => {
      const results = await Promise.all(Array.from({ length: 5 }, () => compose()));
      expect(new Set(results.map(digestOf)).size).toBe(1);
      expect(await readdir(entries())).toEqual([`${baseLayer.replace(":", "-")}.v1`]);
      expect(await downloadsDuring(() => compose())).toBe(0);
    });

    test("is left alone by --link and --no-cache", async () => {
      await compose({ link: true, chown: "1:1" });
      await compose({ "no-cache": true });
      expect(await readdir(caches)).toEqual([]);
    });

    test("is where --cache-dir says, else in the home", async () => {
      const directory = join(caches, "elsewhere");
      await compose({ "cache-dir": directory });
      expect(await readdir(caches)).toEqual(["elsewhere"]);
      const args = scene.arguments({ base, tag: `${scene.proxy.host}/scene/home:1` });
      const { status, home } = await runCli(args, { env: { XDG_CACHE_HOME: "" } });
      expect(status).toBe(0);
      expect(existsSync(join(home, ".cache/compose-image/layers"))).toBe(true);
    });

    test("does not keep the layers from a target that lacks them: they are downloaded once, and sent", async () => {
      await compose();
      const other = await startEmbeddedRegistry();
      try {
        const tag = `${other.host}/app:1`;
        expect(await downloadsDuring(() => compose({ tag }))).toBe(1);
        const { manifest } = await readImage(tag);
        expect(manifest.layers[0]?.digest).toBe(baseLayer);
        const blob = await fetch(`${other.url}/v2/app/blobs/${baseLayer}`);
        expect((await blob.arrayBuffer()).byteLength).toBe(scene.base.layers[0]?.descriptor.size);
      } finally {
        await other.stop();
      }
    });

    test("is not read by a dry run as something still to be read", async () => {
      const would = async (): Promise<string> => (await compose({ "dry-run": true })).stderr;
      expect(await would()).toContain(`of base ${base}`);
      await compose();
      expect(await would()).not.toContain(`of base ${base}`);
    });

    test("needs a user who knows a place for it", async () => {
      const args = scene.arguments({ base, tag: `${scene.proxy.host}/scene/homeless:1`, verbose: true });
      const { status, stderr } = await runCli(args, { env: { XDG_CACHE_HOME: "", HOME: "" } });
      expect(status, stderr).toBe(0);
      expect(stderr.match(/^not keeping what the base holds: .*$/gm)).toEqual([
        "not keeping what the base holds: neither XDG_CACHE_HOME nor HOME names a directory",
      ]);
    });

    describeWith(["bwrap"], "on a read-only file system", () => {
      const inSandbox = async (changes: ComposeArguments): Promise<{ stderr: string; digest: string }> => {
        count += 1;
        const sandbox = await createSandbox("TMPDIR");
        const tag = `${scene.proxy.host}/scene/cached-${count}:1`;
        const args = scene.arguments({
          base,
          chown: "web:staff",
          directory: "/app:/etc/app",
          tag,
          ...changes,
        });
        const result = await sandbox.compose(args);
        expect(result, result.stderr).toMatchObject({ status: 0, left: [] });
        return { stderr: result.stderr, digest: result.stdout.trim().replace(/^.*@/, "") };
      };

      test("is not made, which --verbose says in one line, and nothing else changes", async () => {
        const digest = digestOf(await compose());
        const directory = join(caches, "read-only");
        const quiet = await inSandbox({ "cache-dir": directory });
        const verbose = await inSandbox({ "cache-dir": directory, verbose: true });
        expect([quiet.digest, verbose.digest]).toEqual([digest, digest]);
        expect(quiet.stderr).not.toContain("keep");
        expect(verbose.stderr.match(/^not keeping .*$/gm)).toEqual([
          `not keeping what the base holds: cannot make ${directory}/layers: the file system is read-only`,
        ]);
        expect(existsSync(directory)).toBe(false);
      });

      test("is used where it is there", async () => {
        await compose();
        const work = () => inSandbox({ "cache-dir": join(caches, "compose-image"), verbose: true });
        expect(
          await downloadsDuring(async () => expect((await work()).stderr).not.toMatch(/^not keeping/m)),
        ).toBe(0);
      });
    });
  });
}
