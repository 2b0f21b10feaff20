import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseComposeFlags } from "../../src/frontends/flags/compose-flags.ts";
import type { TransferEvent } from "../../src/io/transfer.ts";
import { ComposeImageError } from "../../src/model/errors.ts";
import { parseOwner } from "../../src/model/owner.ts";
import { type ComposeOptions, type ComposeResult, compose } from "../../src/ops/compose.ts";
import { listFiles } from "../../src/ops/image-files.ts";
import type { ComposePlan, CopySource, CopyStep, Stage } from "../../src/plan/compose-plan.ts";
import { defaultCompression } from "../../src/plan/compression.ts";
import { parseCopySource } from "../../src/plan/copy-source.ts";
import { parseBase, parseImage, parseTarget } from "../../src/plan/images.ts";
import { dir, file, hardlink, symlink, whiteout } from "../layers/support/entries.ts";
import { randomCopy } from "../support/random-copy.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { putStack } from "../support/view-peers.ts";
import { type ImageSpec, putImage, readImage } from "./support/images.ts";

const app: ImageSpec = {
  layers: [
    [
      dir("app", { mode: 0o750, uid: 7, gid: 8, mtime: "2000" }),
      file("app/run", "run", {
        mode: 0o4755,
        xattrs: { "user.a": "1", "security.capability": "\u0001\u0000" },
      }),
      file("app/gone"),
      symlink("app/latest", "../data"),
      dir("app/sub", { mtime: "3000" }),
      file("app/sub/deep", "deep", { mtime: "3001.5" }),
    ],
    [
      whiteout("app/gone"),
      hardlink("app/linked", "app/run"),
      hardlink("app/sub/linked", "app/run"),
      { path: "app/pipe", type: "fifo" },
    ],
  ],
};
const sdk: ImageSpec = {
  layers: [
    [
      dir("etc"),
      file("etc/passwd", "root:x:0:0::/:\nsdk:x:500:501::/:\n"),
      file("etc/group", "root:x:0:\nbuild:x:77:\n"),
      dir("usr", { mode: 0o711 }),
      dir("usr/bin"),
      file("usr/bin/tool", "tool"),
      hardlink("usr/bin/tool2", "usr/bin/tool"),
      symlink("bin", "usr/bin"),
      dir("work", { mode: 0o2775, gid: 9, xattrs: { "user.w": "w" } }),
      file("work/old", "old"),
      file("work/gone", "gone"),
    ],
    [whiteout("work/gone"), symlink("data", "usr")],
  ],
  execution: { WorkingDir: "/work", Env: ["DIR=/opt/tool", "WHO=sdk"] },
  config: { created: "2026-05-01T00:00:00Z" },
};
const base: ImageSpec = {
  layers: [
    [dir("etc"), file("etc/passwd", "root:x:0:0::/:\nweb:x:30:31::/:\n"), dir("srv", { mode: 0o700 })],
  ],
};

const directory = temporaryDirectory("stages").then(async (made) => {
  for (const [tag, image] of Object.entries({ app, sdk, base })) await putImage(made, tag, image);
  return made;
});

async function image(tag: string): Promise<CopySource> {
  return parseCopySource(`oci:${await directory}:${tag}`, "");
}

function copy(from: CopySource, source: string, destination: string, more: Partial<CopyStep> = {}): CopyStep {
  return { from, sources: [source], destination, exclude: [], link: false, ...more };
}

async function stageOf(
  baseTag: string,
  copies: readonly CopyStep[],
  more: Partial<Stage> = {},
): Promise<Stage> {
  const made = parseBase(baseTag === "scratch" ? baseTag : `oci:${await directory}:${baseTag}`, "");
  return { base: made, copies, config: {}, ...more };
}

function from(stage: Stage): CopySource {
  return { kind: "stage", stage };
}

async function composed(
  stage: Stage,
  tag: string,
  more: Partial<ComposePlan> = {},
  options: ComposeOptions = {},
): Promise<ComposeResult> {
  const plan: ComposePlan = {
    ...stage,
    annotations: {},
    targets: [parseTarget(`oci:${await directory}:${tag}`, "")],
    compression: defaultCompression,
    record: "annotations",
    ...more,
  };
  return compose(plan, options);
}

/** The top layer's uncompressed digest, and what is in it. */
async function layerOf(copies: readonly CopyStep[], tag: string): Promise<unknown> {
  const result = await composed(await stageOf("base", copies), tag);
  return { diffId: result.images[0]?.diffId, paths: (await readImage(await directory, tag)).topLayer };
}

const all: readonly [string, string, Partial<CopyStep>?][] = [["/", "/srv/all/"]];

describe("what is copied from a stage", () => {
  it.each<
    [
      string,
      "sdk" | "scratch",
      readonly (readonly [string, string, Partial<CopyStep>?])[],
      (readonly (readonly [string, string, Partial<CopyStep>?])[])?,
      Partial<Stage>?,
    ]
  >([
    ["all of it", "sdk", [["/app", "/work/app"]], all],
    ["all of it, the base's files replaced", "sdk", [["/app/run", "/work/old"]], all],
    ["a directory of the base that was copied into", "sdk", [["/app", "/work"]], [["/work", "/srv/w"]]],
    ["files of the base beside it", "sdk", [["/app", "/work"]], [["/usr", "/srv/usr"]]],
    ["a single file", "sdk", [["/app/run", "/work/x"]], [["/work/x", "/srv/"]]],
    ["a file by a symlink of the base", "sdk", [["/app/run", "/bin/x"]], [["/bin/x", "/srv/x"]]],
    ["a directory by a copied symlink", "sdk", [["/app", "/a"]], [["/a/latest/bin", "/srv/bin"]]],
    ["hardlinks", "sdk", [["/app", "/a"]], [["/a", "/srv/a"]]],
    ["one name of a hardlink", "sdk", [["/app", "/a"]], [["/a/sub", "/srv/a"]]],
    [
      "the same file copied twice",
      "sdk",
      [
        ["/app/run", "/a/one"],
        ["/app/run", "/a/two"],
      ],
      [["/a", "/srv/a"]],
    ],
    ["to scratch", "scratch", [["/app", "/"]], [["/sub/", "/srv/s"]]],
    ["to scratch, deep", "scratch", [["/app/sub", "/x/y/z"]], [["/x", "/srv/x"]]],
    ["by a pattern", "sdk", [["/app/[rs]*", "/work/"]], [["/w*/*d", "/srv/"]]],
    [
      "without what is left out",
      "sdk",
      [["/app", "/a", { exclude: ["sub"] }]],
      [["/a", "/srv/a", { exclude: ["l*"] }]],
    ],
    [
      "with owners and modes",
      "sdk",
      [["/app", "/a/b", { chown: parseOwner("5:6"), chmod: 0o700 }]],
      [["/a", "/srv/a"]],
    ],
    [
      "with an owner by the stage's base",
      "sdk",
      [["/app", "/a", { chown: parseOwner("sdk:build") }]],
      [["/a", "/srv/a"]],
    ],
    [
      "with an owner by each base",
      "sdk",
      [["/app", "/a", { chown: parseOwner("sdk") }]],
      [["/a", "/srv/a", { chown: parseOwner("web") }]],
    ],
    ["over a symlink of the base, by link", "sdk", [["/app", "/bin", { link: true }]], all],
    [
      "below a symlink of the base, by link",
      "sdk",
      [["/app", "/data/x", { link: true }]],
      [["/data", "/srv/d"]],
    ],
    [
      "into a directory of the base, by link",
      "sdk",
      [["/app", "/work", { link: true }]],
      [["/work", "/srv/w"]],
    ],
    ["relative to the stage's working directory", "sdk", [["/app", "here"]], [["/work/here", "/srv/h"]]],
    [
      "relative to working directories on the way",
      "sdk",
      [
        ["/app/run", "x/", { workdir: ["one", "two"] }],
        ["/app/run", ".", { workdir: ["/three"], chown: parseOwner("5:6") }],
      ],
      all,
    ],
    ["with the stage's working directory", "sdk", [["/app", "a"]], all, { config: { workdir: ["/w", "x"] } }],
    [
      "with a working directory after links",
      "sdk",
      [["/app", "/a", { link: true, workdir: [] }]],
      [["/work", "/srv/w"]],
      { config: { workdir: ["x", "y"] } },
    ],
    ["without copies", "sdk", [], [["/work", "/srv/w"]]],
    ["with a working directory alone", "sdk", [], all, { config: { workdir: "/only/this" } }],
    [
      "by the variables of its base",
      "sdk",
      [["/app", "", { destination: { parts: [{ variable: "DIR" }, "/x"], where: "here" } }]],
      [["/opt", "/srv/opt"]],
    ],
  ])("is what is copied from the image it would be: %s", async (_, on, steps, taken = all, more = {}) => {
    const builder = await image("app");
    const stage = await stageOf(
      on,
      steps.map(([source, destination, options]) => copy(builder, source, destination, options)),
      more,
    );
    const copies = (source: CopySource): CopyStep[] =>
      taken.map(([path, destination, options]) => copy(source, path, destination, options));
    await composed(stage, "image");
    const expected = await layerOf(copies(await image("image")), "twice");
    expect(await layerOf(copies(from(stage)), "once")).toEqual(expected);
  });

  it("is what stages have that copy from stages", async () => {
    const builder = await image("app");
    const first = await stageOf("sdk", [copy(builder, "/app", "/work/a")], { name: "first" });
    const second = await stageOf("scratch", [
      copy(from(first), "/work", "/b"),
      copy(from(first), "/bin", "/b/"),
    ]);
    const third = await stageOf("sdk", [copy(from(second), "/b", "/c"), copy(from(first), "/work/a", "/d")]);
    await composed(first, "first");
    const asImage = await image("first");
    await composed(
      await stageOf("scratch", [copy(asImage, "/work", "/b"), copy(asImage, "/bin", "/b/")]),
      "second",
    );
    await composed(
      await stageOf("sdk", [copy(await image("second"), "/b", "/c"), copy(asImage, "/work/a", "/d")]),
      "third",
    );
    const expected = await layerOf([copy(await image("third"), "/", "/srv/")], "twice");
    expect(await layerOf([copy(from(third), "/", "/srv/")], "once")).toEqual(expected);
  });
});

describe("a working directory that is set before a copy", () => {
  async function filesOf(steps: readonly CopyStep[]): Promise<string[]> {
    await composed(await stageOf("base", steps), "made");
    const files = await listFiles(parseImage(`oci:${await directory}:made`, ""), "/new", true);
    return files.map(
      ({ path, node: { attributes } }) => `${path} ${attributes.uid} ${attributes.mode.toString(8)}`,
    );
  }

  it("is a directory for what is copied to its name", async () => {
    const step = copy(await image("app"), "/app/sub/deep", "/new", { workdir: ["/", "new"] });
    expect(await filesOf([step])).toEqual(["new/deep 0 644"]);
    expect(await filesOf([{ ...step, destination: "." }])).toEqual(["new/deep 0 644"]);
  });

  it("stays as it was made, whosever the files are that are copied into it", async () => {
    const step = copy(await image("app"), "/app/sub", ".", {
      workdir: ["/new", "below"],
      chown: parseOwner("5"),
      chmod: 0o700,
    });
    expect(await filesOf([step])).toEqual([
      "new/below 0 755",
      "new/below/deep 5 700",
      "new/below/linked 5 700",
    ]);
  });

  it("is made for links too", async () => {
    const step = copy(await image("app"), "/app/sub/deep", "x/", { workdir: ["/new/a", "../b"], link: true });
    expect(await filesOf([step])).toEqual([
      "new/a 0 755",
      "new/b 0 755",
      "new/b/x 0 755",
      "new/b/x/deep 0 644",
    ]);
  });
});

describe("any stage", () => {
  it("gives what the image would that is made of it", { timeout: 60_000 }, async () => {
    const layout = await temporaryDirectory("random-stages");
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(randomCopy(), fc.boolean(), async ({ builder, base: under, request }, link) => {
        await putStack(layout, "builder", builder);
        await putStack(layout, "under", under);
        const { directories, chown, chmod } = request;
        const { copies, ...more } = parseComposeFlags({
          builder: `oci:${layout}:builder`,
          base: `oci:${layout}:under`,
          directory: directories,
          tag: [`oci:${layout}:image`],
          chown,
          chmod,
          link,
        });
        const made = await outcomeOf(compose({ ...more, copies }));
        const scratch: Omit<ComposePlan, "copies"> = {
          ...more,
          base: { kind: "scratch" },
          targets: [parseTarget(`oci:${layout}:out`, "")],
        };
        const whole = (source: CopySource): ComposePlan => ({ ...scratch, copies: [copy(source, "/", "/")] });
        const stage: Stage = { base: more.base, copies, config: {} };
        const once = await outcomeOf(compose(whole(from(stage))));
        const isMade = made.startsWith("sha256:");
        if (isMade) compared += 1;
        const image = parseCopySource(`oci:${layout}:image`, "");
        expect(once).toBe(isMade ? await outcomeOf(compose(whole(image))) : made);
      }),
      { numRuns: 25 },
    );
    expect(compared).toBeGreaterThan(1);
  });
});

/** The new layer's uncompressed digest, or the code of what is wrong. */
async function outcomeOf(result: Promise<ComposeResult>): Promise<string> {
  try {
    return (await result).images[0]?.diffId ?? "";
  } catch (error) {
    if (error instanceof ComposeImageError) return error.code;
    throw error;
  }
}

describe("a stage", () => {
  it("is read as far as what is copied goes, and each image once", async () => {
    const builder = await image("app");
    const stage = await stageOf("sdk", [copy(builder, "/app/run", "/work/x")]);
    const events: TransferEvent[] = [];
    const plan = await stageOf("base", [
      copy(from(stage), "/work/x", "/srv/"),
      copy(from(stage), "/usr/bin/tool", "/srv/"),
    ]);
    await composed(plan, "out", {}, { onTransfer: (event) => events.push(event) });
    const read = events.filter(({ kind }) => kind === "finished").length;
    expect(events.filter(({ kind }) => kind === "warning")).toEqual([]);
    expect(read).toBeLessThanOrEqual(8);
  });

  it("whose root was copied onto has the time of what was copied, as a directory has", async () => {
    const onto = await stageOf("scratch", [copy(await image("app"), "/app/", "/")]);
    const into = await stageOf("scratch", [copy(await image("app"), "/app/", "/d")]);
    const [whole, directory] = [copy(from(onto), "/", "/srv/x"), copy(from(into), "/d", "/srv/x")];
    expect(await layerOf([whole], "whole")).toEqual(await layerOf([directory], "directory"));
  });

  it("that lacks what is copied from it is named, with its base", async () => {
    const builder = await image("app");
    const stage = await stageOf("sdk", [copy(builder, "/app", "/a")], { name: "build" });
    await expect(layerOf([copy(from(stage), "/nothing", "/srv/")], "none")).rejects.toMatchObject({
      code: "SOURCE_NOT_FOUND",
      message: `stage build (builder oci:${await directory}:sdk) has no /nothing`,
    });
  });

  it("whose step lacks its source is not made, though nothing of it is copied", async () => {
    const builder = await image("app");
    const stage = await stageOf("sdk", [copy(builder, "/nothing", "/a")], { name: "build" });
    await expect(layerOf([copy(from(stage), "/work", "/srv/")], "none")).rejects.toMatchObject({
      code: "SOURCE_NOT_FOUND",
      message: `builder oci:${await directory}:app has no /nothing`,
    });
  });

  it("looks up owners in its own base", async () => {
    const stage = await stageOf("sdk", [
      copy(await image("app"), "/app", "/a", { chown: parseOwner("web") }),
    ]);
    await expect(layerOf([copy(from(stage), "/a", "/srv/")], "none")).rejects.toMatchObject({
      code: "USER_UNKNOWN",
      message: `builder oci:${await directory}:sdk has no user "web" in /etc/passwd`,
    });
  });

  it("has a base of which is kept what it holds, as of any base", async () => {
    const cacheDirectory = await temporaryDirectory("stages-cache");
    const stage = await stageOf("sdk", [
      copy(await image("app"), "/app", "/work/a", { chown: parseOwner("sdk") }),
    ]);
    const plan = await stageOf("scratch", [
      copy(from(stage), "/work", "/"),
      copy(from(stage), "/usr/bin", "/"),
    ]);
    const run = async (): Promise<readonly [string | undefined, readonly string[]]> => {
      const notes: string[] = [];
      const onTransfer = (event: TransferEvent): void => {
        if (event.kind === "note") notes.push(event.message);
      };
      const result = await composed(plan, "cached", {}, { cacheDirectory, onTransfer });
      return [result.images[0]?.diffId, notes];
    };
    const [first, before] = await run();
    const [second, after] = await run();
    expect(second).toBe(first);
    expect(before).toEqual([]);
    expect(new Set(after.map((note) => note.replace(/ sha256:.*:/, "")))).toEqual(
      new Set(["not reading layer what it holds is known"]),
    );
  });

  it("is recorded with its base and steps", async () => {
    const builder = await image("app");
    const stage = await stageOf(
      "sdk",
      [
        copy(builder, "/app", "a", {
          chmod: {
            parts: ["0", { variable: "M", modifier: { operator: ":-", word: ["700"] } }],
            where: "/home/me/Dockerfile:1:1",
          },
        }),
      ],
      { config: { workdir: "x" } },
    );
    const plan = await stageOf("base", [
      copy(from(stage), "/work/x/a", "/srv/"),
      copy(builder, "/app", "/srv/"),
    ]);
    await composed(plan, "recorded");
    const { manifest, config } = await readImage(await directory, "recorded");
    const record = (key: string): unknown =>
      JSON.parse(manifest.annotations?.[`io.github.compose-image.${key}`] ?? "null");
    expect(record("builders")).toHaveLength(2);
    expect(record("stages")).toEqual([
      {
        base: 1,
        workdir: ["x"],
        copy: [
          {
            from: 0,
            src: ["/app"],
            dst: "a",
            chmod: { parts: ["0", { variable: "M", modifier: { operator: ":-", word: ["700"] } }] },
          },
        ],
      },
    ]);
    expect(record("copy")).toEqual([
      { stage: 0, src: ["/work/x/a"], dst: "/srv/" },
      { from: 0, src: ["/app"], dst: "/srv/" },
    ]);
    expect(config.created).toBe("2026-05-01T00:00:00Z");
    expect(config.history.at(-1)?.created_by).toBe(
      "COPY --from=builder /work/x/a /srv/; COPY --from=builder /app /srv/ # compose-image",
    );
    expect(JSON.stringify([manifest, config])).not.toContain("home");
  });

  it("is forecast as its base and what it copies from", async () => {
    const stage = await stageOf("sdk", [copy(await image("app"), "/app", "/a")]);
    const plan = await stageOf("base", [copy(from(stage), "/a", "/srv/")]);
    const { forecast, figures } = await composed(plan, "never", {}, { dryRun: "plan" });
    expect(forecast?.reads.map((read) => read.image.replace(/oci:.*:/, ""))).toEqual([
      "builder app",
      "builder sdk",
      "base base",
    ]);
    expect(figures.builderSize).toBeGreaterThan(0);
  });
});
