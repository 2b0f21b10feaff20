import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { missingTools } from "../../scripts/house/tools.ts";
import { blobPath } from "../support/blob-path.ts";
import {
  type ComposeArguments,
  type ComposeScene,
  composeArguments,
  composeScene,
} from "../support/compose-scene.ts";
import { registryAccount, startDockerRegistry } from "../support/docker-registry.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { type MadeFile, makeImage, saveMade, tarOf } from "../support/make-image.ts";
import type { Fault } from "../support/proxy-fault.ts";
import { type Exchange, startRecordingProxy } from "../support/recording-proxy.ts";
import { expectRefusal, type Refusal } from "../support/refusal.ts";
import type { Registry } from "../support/registry.ts";
import { runCli } from "../support/run-cli.ts";
import { secret } from "../support/secrets.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

/** Nothing is asked of any registry in these cases. */
const wrongUsage: readonly (readonly [string, ComposeArguments, Omit<Refusal, "status">])[] = [
  [
    "an option nobody knows",
    { bulder: "registry.example/app" },
    { code: "USAGE", message: ["--bulder"], hint: "--builder" },
  ],
  [
    "an option without its value",
    { "digest-file": true },
    { code: "USAGE", message: ["--digest-file"], hint: "--help" },
  ],
  ["no builder", { builder: undefined }, { code: "USAGE", message: ["--builder"], hint: /image/ }],
  ["no base", { base: undefined }, { code: "USAGE", message: ["--base"], hint: "scratch" }],
  [
    "no directory",
    { directory: undefined },
    { code: "USAGE", message: ["--directory"], hint: "--directory" },
  ],
  ["no tag", { tag: undefined }, { code: "USAGE", message: ["--tag"], hint: "--tag" }],
  [
    "a builder in upper case",
    { builder: "registry.example/Team/App:1" },
    {
      code: "REFERENCE_INVALID",
      message: ["--builder", '"registry.example/Team/App:1"'],
      hint: "lower case",
    },
  ],
  [
    "a base with a malformed digest",
    { base: "registry.example/app@sha256:12" },
    { code: "REFERENCE_INVALID", message: ["--base", "@sha256:12", "not a digest"], hint: "64" },
  ],
  [
    "a tag that is none",
    { tag: "registry.example/app:-1" },
    { code: "REFERENCE_INVALID", message: ["--tag", "app:-1", "not a tag"], hint: "letters" },
  ],
  [
    "a tag with a digest",
    { tag: `registry.example/app@sha256:${"0".repeat(64)}` },
    { code: "USAGE", message: ["--tag", "digest"], hint: "@" },
  ],
  [
    "a transport that is not supported",
    { builder: "docker-daemon:app:1" },
    { code: "REFERENCE_INVALID", message: ["--builder", "docker-daemon:"], hint: "oci:DIR" },
  ],
  [
    "a source outside the image",
    { directory: "/app/../../etc:/etc" },
    { code: "USAGE", message: ["--directory", "/app/../../etc", "outside"], hint: "root" },
  ],
  [
    "a directory with too many colons",
    { directory: "/a:/b:/c" },
    { code: "USAGE", message: ["--directory", "/a:/b:/c"], hint: "SRC:DST" },
  ],
  [
    "a variable without a value",
    { env: "PATH" },
    { code: "USAGE", message: ["--env PATH"], hint: "KEY=VALUE" },
  ],
  ["a port that is none", { expose: "http" }, { code: "USAGE", message: ["--expose http"], hint: "65535" }],
  ["a mode that is not octal", { chmod: "u+x" }, { code: "USAGE", message: ["--chmod u+x"], hint: "0755" }],
  [
    "an owner that is none",
    { chown: "a:b:c" },
    { code: "USAGE", message: ["--chown", '"a:b:c"'], hint: "user:group" },
  ],
  [
    "an entrypoint that is no list",
    { entrypoint: "node server.js" },
    { code: "USAGE", message: ["--entrypoint", "node server.js"], hint: "[" },
  ],
  [
    "a platform that is none",
    { platform: "linux/amd64/v1/x" },
    { code: "PLATFORM_INVALID", message: ["--platform", '"linux/amd64/v1/x"'], hint: "linux/arm64" },
  ],
  [
    "a compression nobody knows",
    { compression: "brotli" },
    { code: "USAGE", message: ["--compression brotli"], hint: "gzip" },
  ],
  ["a format nobody knows", { format: "zip" }, { code: "USAGE", message: ["--format zip"], hint: "docker" }],
  ["a record nobody knows", { record: "all" }, { code: "USAGE", message: ["--record all"], hint: "none" }],
  [
    "a time that is none",
    { "source-date-epoch": "now" },
    { code: "USAGE", message: ['"now"'], hint: "1970" },
  ],
  ["no jobs", { jobs: "0" }, { code: "USAGE", message: ["--jobs 0"], hint: "--jobs" }],
  [
    "memory that is none",
    { "memory-limit": "much" },
    { code: "USAGE", message: ["--memory-limit much"], hint: "64M" },
  ],
  [
    "a timeout that is none",
    { timeout: "soon" },
    { code: "USAGE", message: ["--timeout soon"], hint: "60s" },
  ],
];

/** These cases are about the client: one registry will do, rather one that others have written. */
const independent = missingTools("docker-registry").length === 0;

describeWith(["cli"], "bad input, with a registry", () => {
  let scene: ComposeScene;

  beforeAll(async () => {
    scene = await composeScene(await (independent ? startDockerRegistry() : startEmbeddedRegistry()));
  });
  afterEach(() => {
    scene.proxy.fault = undefined;
  });
  afterAll(() => scene.stop());

  /** Lets a fault befall every request for the builder's layer. */
  function faultAtLayer(fault: Fault): void {
    scene.proxy.fault = ({ path }) => (path.endsWith(scene.builderLayer) ? fault : undefined);
  }

  test("a source that the builder does not have ends with 4 and names what is missing of it", () =>
    scene.refused(
      { directory: "/opt/app/src:/run/app" },
      {
        status: 4,
        code: "SOURCE_NOT_FOUND",
        message: [`builder ${scene.names.builder}`, "/opt/app/src", "/opt is missing"],
        hint: "path",
      },
    ));

  test("a builder without the platform ends with 4 and lists those there are", () =>
    scene.refused(
      { builder: scene.names.index, "builder-platform": "linux/arm64" },
      {
        status: 4,
        code: "PLATFORM_NOT_FOUND",
        message: [`builder ${scene.names.index}`, "linux/arm64"],
        hint: "linux/amd64, linux/s390x: choose one with --builder-platform",
      },
    ));

  test("a builder that is an image for another platform ends with 2", () =>
    scene.refused(
      { "builder-platform": "linux/arm64" },
      {
        status: 2,
        code: "PLATFORM_MISMATCH",
        message: [`builder ${scene.names.builder}`, "linux/amd64", "linux/arm64"],
        hint: "--builder-platform",
      },
    ));

  test.each(["builder", "base"])("a %s that is not there ends with 4", (side) =>
    scene.refused(
      { [side]: `${scene.registry.host}/scene/nothing:1` },
      {
        status: 4,
        code: "MANIFEST_NOT_FOUND",
        message: [`${side} ${scene.registry.host}/scene/nothing:1`, "404"],
        hint: "tag",
      },
    ),
  );

  test.each(["builder", "base", "tag"])("a registry that is down ends with 5: --%s", (option) =>
    scene.refused(
      { [option]: "127.0.0.1:1/scene/app:1", retries: "1" },
      {
        status: 5,
        code: "NETWORK",
        message: [`${option === "tag" ? "target" : option} 127.0.0.1:1/scene/app`, "connection refused"],
        hint: "registry runs",
      },
    ),
  );

  test("a registry that dies while a layer is read ends with 5", async () => {
    const dying = await startRecordingProxy(scene.registry.url);
    const isLayer = ({ path }: Exchange): boolean => path.endsWith(scene.builderLayer);
    dying.fault = (exchange) =>
      isLayer(exchange) ? { kind: "stall-response", afterBytes: 1000 } : undefined;
    void dying.seen(isLayer).then(() => dying.stop());
    await scene.refused(
      { builder: `${dying.host}/scene/builder:1`, retries: "1" },
      {
        status: 5,
        code: "NETWORK",
        message: [`builder ${dying.host}/scene/builder`, /connection (closed|reset|refused)/],
        hint: "registry runs",
      },
    );
  });

  test("a registry that dies while a layer is sent ends with 5", () => {
    scene.proxy.fault = ({ method }) =>
      method === "PUT" ? { kind: "cut-request", afterBytes: 0 } : undefined;
    return scene.refused(
      { tag: scene.names.targetByProxy, retries: "1" },
      {
        status: 5,
        code: "NETWORK",
        message: [`target ${scene.proxy.host}/scene/app`, /connection (closed|reset)/],
        hint: "registry runs",
      },
    );
  });

  test("a registry that answers nothing but 500 ends with 5 and shows what it says", () => {
    faultAtLayer({ kind: "answer", status: 500, body: "the disk of the registry is full" });
    return scene.refused(
      { builder: scene.names.builderByProxy, retries: "1" },
      {
        status: 5,
        code: "NETWORK",
        message: [`builder ${scene.proxy.host}/scene/builder`, "500", "the disk of the registry is full"],
        hint: "--retries",
      },
    );
  });

  test("a registry that refuses a manifest ends with 7 and shows what it says", () => {
    scene.proxy.fault = ({ method, path }) =>
      method === "PUT" && path.includes("/manifests/")
        ? { kind: "answer", status: 400, body: '{"errors":[{"code":"QUOTA","detail":"too much"}]}' }
        : undefined;
    return scene.refused(
      { tag: scene.names.targetByProxy },
      {
        status: 7,
        code: "REGISTRY_REJECTED",
        message: [`target ${scene.proxy.host}/scene/app`, "400 QUOTA", "too much"],
        hint: "registry",
      },
    );
  });

  test("a refusal by one of two repositories moves no tag in the other", () => {
    scene.proxy.fault = ({ method, path }) =>
      method === "PUT" && path.includes("/manifests/") ? { kind: "answer", status: 400 } : undefined;
    const other = `${scene.proxy.host}/scene/other`;
    return scene.refused(
      { tag: [scene.names.target, `${other}:1`] },
      { status: 7, code: "REGISTRY_REJECTED", message: [`target ${other}`, "400"], hint: "registry" },
    );
  });

  test("a layer with another digest ends with 6 and names both", () => {
    const damaged = Buffer.from(scene.builder.layers[0]?.bytes ?? []);
    damaged.writeUInt8(damaged.readUInt8(5000) ^ 1, 5000);
    faultAtLayer({ kind: "answer", status: 200, body: damaged });
    return scene.refused(
      { builder: scene.names.builderByProxy },
      {
        status: 6,
        code: "DIGEST_MISMATCH",
        message: [
          `builder ${scene.proxy.host}/scene/builder`,
          `expected ${scene.builderLayer}`,
          /got sha256:[0-9a-f]{64}/,
        ],
        hint: "damaged",
      },
    );
  });

  test("a configuration with another digest ends with 6", () => {
    const { digest } = scene.builder.configs[0]?.descriptor ?? { digest: "" };
    const body = Buffer.from(scene.builder.configs[0]?.bytes ?? [])
      .toString()
      .replace("amd64", "arm64");
    scene.proxy.fault = ({ path }) =>
      path.endsWith(digest) ? { kind: "answer", status: 200, body } : undefined;
    return scene.refused(
      { builder: scene.names.builderByProxy },
      {
        status: 6,
        code: "DIGEST_MISMATCH",
        message: [`builder ${scene.proxy.host}/scene/builder`, digest],
        hint: "damaged",
      },
    );
  });

  test("a layer that comes too short ends with 6", () => {
    faultAtLayer({
      kind: "answer",
      status: 200,
      body: scene.builder.layers[0]?.bytes.subarray(0, 4000) ?? "",
    });
    return scene.refused(
      { builder: scene.names.builderByProxy, retries: "1" },
      {
        status: 6,
        code: "SIZE_MISMATCH",
        message: [`builder ${scene.proxy.host}/scene/builder`, scene.builderLayer, "4000 bytes"],
        hint: "Retry",
      },
    );
  });

  test("a page in place of a layer ends with 6 and says that it is a page", () => {
    const headers = { "content-type": "text/html" };
    faultAtLayer({ kind: "answer", status: 200, body: "<html>Please log in</html>", headers });
    return scene.refused(
      { builder: scene.names.builderByProxy, retries: "1" },
      {
        status: 6,
        code: "SIZE_MISMATCH",
        message: [`builder ${scene.proxy.host}/scene/builder`, "HTML page"],
        hint: "answers in its place",
      },
    );
  });

  test("a page in place of a manifest ends with 6", () => {
    scene.proxy.fault = ({ path }) =>
      path.endsWith("/manifests/1")
        ? {
            kind: "answer",
            status: 200,
            body: "<html>Hello</html>",
            headers: { "content-type": "text/html" },
          }
        : undefined;
    return scene.refused(
      { builder: scene.names.builderByProxy, retries: "1" },
      {
        status: 6,
        code: "MANIFEST_INVALID",
        message: [`builder ${scene.names.builderByProxy}`, "no manifest", "text/html"],
        hint: "proxy",
      },
    );
  });

  const files: readonly MadeFile[] = [{ path: "app/" }, { path: "app/data", content: randomBytes(200_000) }];
  const oddLayers: readonly (readonly [string, string, Uint8Array, Omit<Refusal, "status">])[] = [
    [
      "gzip that ends too early, though its digest is right",
      "truncated-gzip",
      gzipSync(tarOf(files)).subarray(0, 100_000),
      { code: "LAYER_TRUNCATED", message: ["gzip", "too early"], hint: "push the image again" },
    ],
    [
      "a tar that ends too early, though its digest is right",
      "truncated-tar",
      gzipSync(tarOf(files).subarray(0, 100_000)),
      { code: "LAYER_TRUNCATED", message: ['"app/data"', "of 200000 bytes"], hint: "build it again" },
    ],
    [
      "random bytes",
      "garbage",
      randomBytes(5000),
      { code: "LAYER_INVALID", message: ["not a tar archive"], hint: "artifact" },
    ],
    [
      "packed text",
      "text",
      gzipSync("This is no tar archive. ".repeat(100)),
      { code: "LAYER_INVALID", message: ["not a tar archive"], hint: "artifact" },
    ],
    [
      "a name that leaves the root",
      "escaping",
      gzipSync(tarOf([...files, { path: "../../etc/passwd", content: "root::0:0::/:/bin/sh\n" }])),
      { code: "PATH_ESCAPES", message: ["../../etc/passwd"], hint: "hostile" },
    ],
  ];
  test.each(oddLayers)("a layer of %s ends with 6", async (_, name, blob, refusal) => {
    const builder = await scene.add(name, makeImage({ layers: [{ blob }] }));
    await scene.refused(
      { builder },
      {
        ...refusal,
        status: 6,
        message: [`builder layer 1 of ${scene.registry.host}/scene/${name}`, ...refusal.message],
      },
    );
  });

  test("a base whose layer is no tar ends with 6 and names the base", async () => {
    const base = await scene.add("garbage-base", makeImage({ layers: [{ blob: randomBytes(600) }] }));
    await scene.refused(
      { base },
      {
        status: 6,
        code: "LAYER_INVALID",
        message: [`base layer 1 of ${scene.registry.host}/scene/garbage-base`],
        hint: "artifact",
      },
    );
  });

  test("an owner the base does not know ends with 2", () =>
    scene.refused(
      { chown: "nobody" },
      {
        status: 2,
        code: "USER_UNKNOWN",
        message: [`base ${scene.names.base}`, '"nobody"', "/etc/passwd"],
        hint: "number",
      },
    ));

  test("a directory onto a file of the base ends with 2", () =>
    scene.refused(
      { directory: "/app:/etc/passwd" },
      {
        status: 2,
        code: "COPY_CONFLICT",
        message: ["/etc/passwd", `base ${scene.names.base}`],
        hint: "destination",
      },
    ));

  test("annotations in the docker format end with 2", () =>
    scene.refused(
      { format: "docker", annotation: "a=b" },
      { status: 2, code: "FORMAT_UNSUPPORTED", message: ["annotations", "docker"], hint: "--label" },
    ));

  test("a digest file that cannot be written ends with 8 before anything is pushed", () =>
    scene.refused(
      { "digest-file": "/nowhere/digest" },
      {
        status: 8,
        code: "LOCAL_IO",
        message: ["/nowhere/digest", "no such file"],
        hint: "Nothing was pushed",
      },
    ));

  test.each<[string, ComposeArguments, Pick<Refusal, "message" | "hint">]>([
    [
      "one file for digest and metadata",
      { "digest-file": "out", "metadata-file": "./out" },
      { message: ["the same file"], hint: "two" },
    ],
    [
      "a digest file for a dry run that makes no image",
      { "dry-run": true, "digest-file": "out" },
      { message: ["no image is made"], hint: "--dry-run=full" },
    ],
    [
      "an insecure registry by its URL",
      { insecure: "http://registry.example/" },
      { message: ["--insecure takes HOST"], hint: "without http://" },
    ],
    [
      "an empty directory to cache in",
      { "cache-dir": "" },
      { message: ["--cache-dir is empty"], hint: "--no-cache" },
    ],
  ])("%s ends with 2", (_, changes, refusal) =>
    scene.refused(changes, { status: 2, code: "USAGE", ...refusal }),
  );

  test("a target layout where nothing can be made ends with 8", () =>
    scene.refused(
      { tag: "oci:/proc/nowhere/app:1" },
      { status: 8, code: "LOCAL_IO", message: ["/proc/nowhere/app", "no such file"], hint: "path" },
    ));
});

describeWith(["cli", "docker-registry"], "bad input, with a registry that wants credentials", () => {
  let scene: ComposeScene;
  let locked: Registry;

  beforeAll(async () => {
    scene = await composeScene(await startDockerRegistry());
    locked = await startDockerRegistry({ authenticated: true });
  });
  afterAll(async () => {
    await scene.stop();
    await locked.stop();
  });

  test("no credentials end with 3 and say where they were looked for", async () => {
    await scene.refused(
      { builder: `${locked.host}/scene/builder:1` },
      {
        status: 3,
        code: "UNAUTHORIZED",
        message: [`builder ${locked.host}/scene/builder:1`, "401"],
        hint: new RegExp(`no credentials for ${locked.host} .*log in`),
      },
    );
    await scene.refused(
      { tag: `${locked.host}/scene/app:1` },
      {
        status: 3,
        code: "UNAUTHORIZED",
        message: [`target ${locked.host}/scene/app`, "401"],
        hint: "no credentials",
      },
    );
  });

  test("wrong credentials end with 3, name their file and never show themselves", async () => {
    const authfile = join(await temporaryDirectory("auth"), "auth.json");
    const password = secret("not:the password");
    const auth = Buffer.from(`${registryAccount.username}:${password}`).toString("base64");
    await writeFile(authfile, JSON.stringify({ auths: { [locked.host]: { auth } } }));
    for (const [side, changes] of [
      ["builder", { builder: `${locked.host}/scene/builder:1` }],
      ["target", { tag: `${locked.host}/scene/app:1` }],
    ] as const) {
      await scene.refused(
        { ...changes, authfile, verbose: true },
        {
          status: 3,
          code: "UNAUTHORIZED",
          message: [`${side} ${locked.host}/scene/`, "401"],
          hint: authfile,
          secrets: [password, auth],
        },
      );
    }
  });

  test("a credentials file that is not there ends with 2 at once, one that is no JSON with 3", async () => {
    const authfile = join(await temporaryDirectory("auth"), "auth.json");
    const absent = { status: 2, code: "USAGE", message: [authfile], hint: "compose-image login" };
    await scene.refused({ authfile }, absent);
    await writeFile(authfile, "{ auths: }");
    const broken = { status: 3, code: "CREDENTIALS_UNREADABLE", message: [authfile], hint: "config.json" };
    await scene.refused({ builder: `${locked.host}/scene/builder:1`, authfile }, broken);
  });
});

describeWith(["cli"], "bad input, without a registry", () => {
  test.each(wrongUsage)("%s ends with 2", async (_, changes, refusal) => {
    const usual: ComposeArguments = {
      builder: "registry.example/builder:1",
      base: "registry.example/base:1",
      directory: "/app",
      tag: "registry.example/app:1",
    };
    const result = await runCli(composeArguments({ ...usual, ...changes }));
    await expectRefusal(result, { status: 2, ...refusal });
  });

  test("a word that is neither command nor option ends with 2", async () => {
    const refusal = { status: 2, code: "USAGE", message: ['"frobnicate"'], hint: "--help" };
    await expectRefusal(await runCli(["frobnicate"]), refusal);
  });

  test("scratch as the new base of a rebase ends with 2", async () => {
    const refusal = { status: 2, code: "USAGE", message: ["--new-base scratch"], hint: "name an image" };
    await expectRefusal(await runCli(["rebase", "oci:app", "--new-base", "scratch"]), refusal);
  });

  test("no arguments at all end with 2", async () => {
    const refusal = { status: 2, code: "USAGE", message: ["--builder"], hint: "Name the image" };
    await expectRefusal(await runCli([]), refusal);
  });
});

describeWith(["cli"], "bad input, with layouts", () => {
  const files: readonly MadeFile[] = [{ path: "app/" }, { path: "app/data", content: randomBytes(100_000) }];
  const image = makeImage({ layers: [{ files }] });
  let home: string;
  let sound: string;

  beforeAll(async () => {
    home = await temporaryDirectory("layouts");
    sound = await saveMade(image, join(home, "sound"), "1");
  });

  async function refused(changes: ComposeArguments, refusal: Refusal): Promise<void> {
    const target = join(home, "target");
    const usual = { builder: sound, base: "scratch", directory: "/app", tag: `oci:${target}:1` };
    await expectRefusal(await runCli(composeArguments({ ...usual, ...changes })), refusal);
    if (!existsSync(target)) return;
    const names = await readdir(target, { recursive: true });
    expect(
      names.filter((name) => !/^(oci-layout|index\.json|blobs(\/sha256)?(\/[0-9a-f]{64})?)$/.test(name)),
    ).toEqual([]);
    expect(JSON.parse(await readFile(join(target, "index.json"), "utf8")).manifests).toEqual([]);
  }

  test("a builder that is not there ends with 4", () =>
    refused(
      { builder: `oci:${home}/nowhere:1` },
      {
        status: 4,
        code: "MANIFEST_NOT_FOUND",
        message: [`builder oci:${home}/nowhere:1`, "there is no"],
        hint: "Check the path",
      },
    ));

  test("a base without the tag ends with 4 and lists those it has", () =>
    refused(
      { base: `oci:${home}/sound:2` },
      {
        status: 4,
        code: "MANIFEST_NOT_FOUND",
        message: [`base oci:${home}/sound`, "no tag 2"],
        hint: "Its tags are 1.",
      },
    ));

  test("several images and no tag end with 4", async () => {
    await saveMade(image, join(home, "several"), "old");
    await saveMade(makeImage({ layers: [{ files: [] }] }), join(home, "several"), "new");
    await refused(
      { builder: `oci:${home}/several` },
      {
        status: 4,
        code: "MANIFEST_NOT_FOUND",
        message: [`builder oci:${home}/several`, "2 images"],
        hint: `as in oci:${home}/several:old. Its tags are old, new.`,
      },
    );
  });

  test("a directory that is no layout ends with 6 as a builder and as a target", async () => {
    const directory = join(home, "something-else");
    await mkdir(directory);
    await writeFile(join(directory, "notes.txt"), "");
    const refusal = { status: 6, code: "LAYOUT_INVALID" };
    await refused(
      { builder: `oci:${directory}:1` },
      { ...refusal, message: [`builder ${directory}`, "oci-layout"], hint: "skopeo" },
    );
    await refused(
      { tag: `oci:${directory}:1` },
      { ...refusal, message: [directory, '"notes.txt"'], hint: "empty or new" },
    );
    expect(await readdir(directory)).toEqual(["notes.txt"]);
  });

  test.each([
    [
      "DIGEST_MISMATCH",
      "a blob that was changed",
      (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.of(7)]),
    ],
    ["SIZE_MISMATCH", "a blob that was cut", (bytes: Buffer) => bytes.subarray(0, 20_000)],
  ] as const)("%s: %s ends with 6 and names layout and digest", async (code, what, damage) => {
    const directory = join(home, what.replaceAll(" ", "-"));
    const builder = await saveMade(image, directory, "1");
    const { digest } = image.layers[0]?.descriptor ?? { digest: "" };
    const path = blobPath(directory, digest);
    await writeFile(path, damage(await readFile(path)));
    await refused(
      { builder },
      { status: 6, code, message: [`builder oci:${directory}`, digest], hint: "damaged" },
    );
  });

  test("a blob that is missing ends with 4", async () => {
    const directory = join(home, "incomplete");
    const builder = await saveMade(image, directory, "1");
    const { digest } = image.layers[0]?.descriptor ?? { digest: "" };
    await rm(blobPath(directory, digest));
    await refused(
      { builder },
      {
        status: 4,
        code: "BLOB_NOT_FOUND",
        message: [`builder oci:${directory}`, digest],
        hint: "incomplete",
      },
    );
  });

  test("a target that cannot be made ends with 8", () =>
    refused(
      { tag: `oci:${home}/sound/oci-layout/app:1` },
      {
        status: 8,
        code: "LOCAL_IO",
        message: [`${home}/sound/oci-layout/app`, "not a directory"],
        hint: "path",
      },
    ));
});
