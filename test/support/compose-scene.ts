import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { expect } from "vitest";
import { type MadeImage, makeImage, makeIndex, pushMade } from "./make-image.ts";
import { readImage, tagsOf } from "./read-image.ts";
import { type RecordingProxy, startRecordingProxy } from "./recording-proxy.ts";
import { expectRefusal, type Refusal } from "./refusal.ts";
import type { Registry } from "./registry.ts";
import { type CliOptions, runCli } from "./run-cli.ts";

/** Options of `compose` by name; a list repeats the option, `true` is one without a value, `undefined` leaves it out. */
export type ComposeArguments = Readonly<Record<string, string | true | readonly string[] | undefined>>;

/**
 * A registry with a builder, a base and a target repository that has one tag, and a proxy in front of it that can
 * be told to misbehave.
 */
export interface ComposeScene {
  readonly registry: Registry;
  readonly proxy: RecordingProxy;
  readonly builder: MadeImage;
  readonly base: MadeImage;
  /** References: the images themselves, and the builder by way of the proxy. */
  readonly names: Readonly<
    Record<"builder" | "base" | "index" | "target" | "builderByProxy" | "targetByProxy", string>
  >;
  /** The digest of the builder's layer. */
  readonly builderLayer: string;
  /** Pushes one more image as `scene/NAME:1`. */
  add(name: string, image: MadeImage): Promise<string>;
  /** A whole command line: builder, base, directory and tag are the scene's unless given. */
  arguments(changes?: ComposeArguments): string[];
  /** Runs it and expects a refusal that leaves nothing behind: no file, no upload, and the target's tags as before. */
  refused(changes: ComposeArguments, refusal: Refusal, options?: CliOptions): Promise<void>;
  /** Expects that the target has its tag, at the old digest, and no upload is under way. */
  expectUntouched(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Sets the scene up on a registry, which it stops in the end.
 *
 * @param dataSize bytes of the builder's `/app/data`, which do not compress; default 256 KiB. What is put aside goes to
 *   the temporary file by the MiB, so a test about that file wants more.
 */
export async function composeScene(registry: Registry, dataSize = 256 * 1024): Promise<ComposeScene> {
  const proxy = await startRecordingProxy(registry.url);
  const builder = makeImage({
    layers: [
      {
        files: [
          { path: "app/" },
          { path: "app/server.js", content: "console.log(1);\n", mode: 0o755 },
          { path: "app/data", content: randomBytes(dataSize) },
          { path: "app/logs/" },
          { path: "app/logs/today", content: "nothing\n" },
        ],
      },
    ],
    created: "2026-01-02T03:04:05Z",
  });
  const base = makeImage({
    layers: [
      {
        files: [
          { path: "etc/" },
          { path: "etc/passwd", content: "root:x:0:0::/:/bin/sh\nweb:x:1001:1002::/srv:/bin/sh\n" },
          { path: "etc/group", content: "root:x:0:\nstaff:x:50:\n" },
        ],
      },
    ],
    execution: { Env: ["PATH=/bin"], Cmd: ["/bin/sh"], Labels: { vendor: "base" } },
    created: "2025-05-05T05:05:05Z",
  });
  const add = (name: string, image: MadeImage) => pushMade(image, registry.url, `scene/${name}:1`);
  const names = {
    builder: await add("builder", builder),
    base: await add("base", base),
    index: await add(
      "index",
      makeIndex([builder, makeImage({ layers: [{ files: [{ path: "app/" }] }], architecture: "s390x" })]),
    ),
    target: await pushMade(base, registry.url, "scene/app:kept"),
    builderByProxy: `${proxy.host}/scene/builder:1`,
    targetByProxy: `${proxy.host}/scene/app:kept`,
  };
  const withDefaults = (changes: ComposeArguments = {}): string[] =>
    composeArguments({
      builder: names.builder,
      base: names.base,
      directory: "/app",
      tag: names.target,
      ...changes,
    });
  const expectUntouched = async (): Promise<void> => {
    expect(await tagsOf(registry.url, "scene/app")).toEqual(["kept"]);
    expect((await readImage(names.target)).digest).toBe(base.top.descriptor.digest);
    expect(await unfinishedUploads(registry)).toEqual([]);
  };
  return {
    registry,
    proxy,
    builder,
    base,
    names,
    builderLayer: builder.layers[0]?.descriptor.digest ?? "",
    add,
    arguments: withDefaults,
    async refused(changes, refusal, options) {
      const result = await runCli(withDefaults(changes), options);
      await expectRefusal(result, refusal);
      await expectUntouched();
    },
    expectUntouched,
    async stop() {
      await proxy.stop();
      await registry.stop();
    },
  };
}

/** Options as the shell would hand them over. */
export function composeArguments(options: ComposeArguments): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (value === true) return [`--${name}`];
    return (typeof value === "string" ? [value] : value).flatMap((item) => [`--${name}`, item]);
  });
}

/** Uploads that were begun and neither finished nor cancelled, as files in the storage of either kind of registry. */
export async function unfinishedUploads({ directory }: Registry): Promise<string[]> {
  const files = await readdir(directory, { recursive: true });
  const isUpload = files.includes("oci-layout")
    ? (path: string) => !/^(index\.json|oci-layout|blobs(\/.*)?)$/.test(path)
    : (path: string) => /\/_uploads\/[^/]+\/(startedat|data)$/.test(path);
  return files.filter(isUpload);
}
