import { existsSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { run } from "../support/command.ts";
import { startEmbeddedRegistry, startServe } from "../support/embedded-registry.ts";
import { type MadeImage, makeImage, pushMade, sha256 } from "../support/make-image.ts";
import { type Exchange, type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.ts";
import { registryKinds } from "../support/registries.ts";
import type { Registry } from "../support/registry.ts";
import { type CliOptions, type CliResult, cliPath, runCli } from "../support/run-cli.ts";
import { createSandbox } from "../support/sandbox.ts";
import { makeSigned, pushSigned } from "../support/signed-image.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

const signed = makeSigned();
const image = (name: string, size = 10): MadeImage =>
  makeImage({
    layers: [{ files: [{ path: "shared", content: "shared" }] }, { blob: Buffer.alloc(size, name) }],
  });
const isBlobRead = ({ method, path }: Exchange): boolean => method === "GET" && path.includes("/blobs/");

let near: Registry;
let nearProxy: RecordingProxy;
beforeAll(async () => {
  near = await startEmbeddedRegistry();
  nearProxy = await startRecordingProxy(near.url);
  await pushSigned(signed, near.url, "team/app", "1", false);
  for (const name of ["a", "b", "c"]) await pushMade(image(name), near.url, `tool:${name}`);
});
afterAll(async () => {
  await nearProxy.stop();
  await near.stop();
});
beforeEach(() => {
  nearProxy.forget();
  nearProxy.fault = undefined;
});

/** A directory with a `mirror.yaml`. */
async function fileOf(repositories: readonly string[], more = ""): Promise<{ home: string; file: string }> {
  const home = await temporaryDirectory("mirror");
  const file = join(home, "mirror.yaml");
  const items = repositories.map((keys) => `  - {name: ${nearProxy.host}/${keys}}\n`).join("");
  await writeFile(file, `repositories:\n${items}${more}`);
  return { home, file };
}
const everything = ['team/app, tags: ["*"]', "tool, tags: [a, b, c]"];

function mirror(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return runCli(["mirror", ...args], options);
}
async function expectDone(args: readonly string[]): Promise<CliResult> {
  const result = await mirror(args);
  expect(result.status, result.stderr).toBe(0);
  return result;
}
async function digestAt(registry: Pick<Registry, "url">, name: string): Promise<string | undefined> {
  const headers = {
    accept: "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json",
  };
  const answer = await fetch(`${registry.url}/v2/${name.replace(":", "/manifests/")}`, { headers });
  return answer.ok ? sha256(Buffer.from(await answer.arrayBuffer())) : undefined;
}
const digestOf = ({ top }: MadeImage): string => top.descriptor.digest;

for (const kind of registryKinds) {
  describeWith(["cli", ...kind.needs], `mirror sync to ${kind.name}`, () => {
    let far: Registry;
    let farProxy: RecordingProxy;
    beforeAll(async () => {
      far = await kind.start();
      farProxy = await startRecordingProxy(far.url);
    });
    afterAll(async () => {
      await farProxy.stop();
      await far.stop();
    });

    test("brings everything, and a rerun without referrers asks each side for each tag once", async () => {
      const { file } = await fileOf(everything);
      const { stdout, stderr } = await expectDone(["sync", "-f", file, `${farProxy.host}/hub`]);
      expect(stdout.split("\n")).toEqual([
        `${farProxy.host}/hub/team/app:1@${digestOf(signed.index)}`,
        ...["a", "b", "c"].map((tag) => `${farProxy.host}/hub/tool:${tag}@${digestOf(image(tag))}`),
        "",
      ]);
      expect(stderr).toMatch(/images +4 copied, 0 the same before, 0 failed/);
      for (const digest of signed.digests) expect(await digestAt(far, `hub/team/app:${digest}`)).toBe(digest);

      const plain = await fileOf(['team/app, tags: ["1"]', "tool, tags: [a, b, c]"], "referrers: false\n");
      for (const proxy of [nearProxy, farProxy]) proxy.forget();
      await expectDone(["sync", "-f", plain.file, `${farProxy.host}/hub`]);
      const asked = ({ exchanges }: RecordingProxy): string[] =>
        exchanges
          .filter(({ path }) => path !== "/v2/")
          .map(({ method, path }) => `${method} ${path}`)
          .sort();
      const heads = (prefix: string): string[] =>
        ["team/app/manifests/1", ...["a", "b", "c"].map((tag) => `tool/manifests/${tag}`)].map(
          (path) => `HEAD /v2/${prefix}${path}`,
        );
      expect(asked(nearProxy)).toEqual(heads(""));
      expect(asked(farProxy)).toEqual(heads("hub/"));
    });
  });
}

describeWith(["cli", "skopeo"], "mirror save", () => {
  test("makes an archive that skopeo reads as it is served, and mirror load as it is", async () => {
    const { home, file } = await fileOf(everything);
    const archive = `oci-archive:${join(home, "images.tar")}`;
    await expectDone(["save", "-f", file, archive]);
    const served = await startServe(archive);
    const copy = join(home, "copy");
    await run("skopeo", [
      ...["copy", "--all", "--src-tls-verify=false"],
      ...[`docker://${served.host}/team/app:1`, `dir:${copy}`],
    ]);
    await served.stop();
    expect(sha256(await readFile(join(copy, "manifest.json")))).toBe(digestOf(signed.index));

    const far = await startEmbeddedRegistry();
    const { stdout } = await expectDone(["load", archive, `${far.host}/hub`]);
    expect(stdout.trim().split("\n")).toHaveLength(4);
    for (const digest of signed.digests) expect(await digestAt(far, `hub/team/app:${digest}`)).toBe(digest);
    await far.stop();
  });

  test("twice at the same time into one directory, and into one archive, harms neither", async () => {
    const { home, file } = await fileOf(everything);
    for (const place of [`oci:${home}/images`, `oci-archive:${home}/images.tar`]) {
      const runs = await Promise.all([
        mirror(["save", "-f", file, "--no-lock", place]),
        mirror(["save", "-f", file, "--no-lock", place]),
      ]);
      expect(runs.map(({ status, stderr }) => (status === 0 ? "" : stderr))).toEqual(["", ""]);
      await expectDone(["verify", place]);
    }
  });

  test("of an archive to standard output writes nothing else there", async () => {
    const { home, file } = await fileOf(["tool, tags: [a]"]);
    const out = join(home, "images.tar");
    await run("sh", [
      "-c",
      `"$0" "$1" mirror save -f "$2" oci-archive:- > "$3"`,
      process.execPath,
      cliPath,
      file,
      out,
    ]);
    await expectDone(["verify", `oci-archive:${out}`]);
    const refused = await mirror(["save", "-f", file, "--json", "oci-archive:-"]);
    expect(refused).toMatchObject({ status: 2, stdout: "" });
  });
});

describeWith(["cli"], "a mirror that fails", () => {
  let far: Registry;
  beforeAll(async () => {
    far = await startEmbeddedRegistry();
  });
  afterAll(() => far.stop());

  test("for one image of several ends with 9, with reason and hint also for --quiet, and one document", async () => {
    const { file } = await fileOf(["tool, tags: [a, gone, c]"]);
    const { status, stdout, stderr } = await mirror(["sync", "-f", file, "--json", "--quiet", far.host]);
    expect(status).toBe(9);
    expect(JSON.parse(stdout)).toMatchObject({
      images: [
        { repository: "tool", tag: "a", moved: true },
        { repository: "tool", tag: "c", moved: true },
      ],
      failures: [{ subject: `${nearProxy.host}/tool:gone`, code: "MANIFEST_NOT_FOUND" }],
    });
    expect(stderr.split("\n")).toEqual([
      expect.stringMatching(/^failed: .*\/tool:gone: source .*\[MANIFEST_NOT_FOUND\]$/),
      expect.stringMatching(/^ {2}hint: \S/),
      "compose-image: 1 of 3 could not be mirrored [PARTLY_DONE]",
      expect.stringMatching(/^ {2}hint: .*only the rest is copied/),
      "",
    ]);
  });

  test("for all alike ends with the status of that, and tells a registry that is down once", async () => {
    const { home, file } = await fileOf(["tool, tags: [a, b, c]"]);
    const gone = await fileOf(["tool, tags: [x, y]"]);
    expect(await mirror(["sync", "-f", gone.file, far.host])).toMatchObject({ status: 4 });
    const lock = join(home, "mirror.lock.json");
    await expectDone(["sync", "-f", file, "--quiet", far.host]);
    const before = await readFile(lock, "utf8");
    const down = await mirror(["sync", "-f", file, "--retries=0", "--jobs=1", "127.0.0.1:1"]);
    expect(down.status).toBe(5);
    expect(down.stderr.match(/connection refused/g)).toHaveLength(2);
    expect(down.stderr).toMatch(/tool:a, .*tool:b, .*tool:c: target .*connection refused/);
    await writeFile(file, (await readFile(file, "utf8")).replaceAll(nearProxy.host, "127.0.0.1:1"));
    expect(await mirror(["sync", "-f", file, "--retries=0", far.host])).toMatchObject({ status: 5 });
    expect(await readFile(lock, "utf8")).toBe(before);
  });

  test("when it is interrupted ends with 130, and tags that moved are whole", async () => {
    const { file } = await fileOf(["team/app, tags: ['1']", "tool, tags: [a, b]"], "prefix: cut\n");
    const last = image("b").layers[1]?.descriptor.digest ?? "";
    const { promise: never, resolve: release } = Promise.withResolvers<void>();
    nearProxy.fault = (exchange) =>
      isBlobRead(exchange) && exchange.path.endsWith(last) ? { kind: "hold", until: never } : undefined;
    const { status, stderr } = await mirror(["sync", "-f", file, "--jobs=1", far.host], {
      interrupt: { when: nearProxy.seen(({ path }) => path.endsWith(last)) },
    });
    release();
    expect(status, stderr).toBe(130);
    expect(await digestAt(far, "cut/team/app:1")).toBe(digestOf(signed.index));
    expect(await digestAt(far, "cut/tool:a")).toBe(digestOf(image("a")));
    expect(await digestAt(far, "cut/tool:b")).toBeUndefined();
  });
});

describeWith(["cli"], "the lock file of a mirror", () => {
  test("is written before anything is copied, completed afterwards, and decides with --locked", async () => {
    const { home, file } = await fileOf(['team/app, tags: ["*"]', "moving, tags: [latest]"]);
    await pushMade(image("old"), near.url, "moving:latest");
    const lock = join(home, "mirror.lock.json");
    const before: string[] = [];
    nearProxy.fault = (exchange) => {
      if (isBlobRead(exchange)) before.push(existsSync(lock) ? readFileSync(lock, "utf8") : "");
      return undefined;
    };
    await expectDone(["save", "-f", file, `oci:${home}/first`]);
    const locked = (text: string): { images: { tag: string; digest: string; referrers: string[] }[] } =>
      JSON.parse(text);
    const after = locked(await readFile(lock, "utf8")).images;
    expect(locked(before[0] ?? "").images.map(({ digest }) => digest)).toEqual(
      after.map(({ digest }) => digest),
    );
    expect(after.map(({ tag, referrers }) => [tag, referrers.length])).toEqual([
      ["latest", 0],
      ["1", 4],
    ]);

    await pushMade(image("new"), near.url, "moving:latest");
    const { stdout } = await expectDone(["save", "-f", file, "--locked", `oci:${home}/second`]);
    expect(stdout).toContain(`:moving:latest@${digestOf(image("old"))}\n`);

    await writeFile(file, (await readFile(file, "utf8")).replace("[latest]", "[latest, more]"));
    const misfit = await mirror(["save", "-f", file, "--locked", `oci:${home}/third`]);
    expect(misfit).toMatchObject({ status: 2, stdout: "" });
    expect(misfit.stderr).toMatch(/does not fit .*moving:more[\s\S]*hint: Run without --locked/);
  });
});

describeWith(["cli", "bwrap"], "a mirror on a disk", () => {
  test("that is full ends with 8, says how far it came, and what was done is whole", async () => {
    const packed = { bytes: noise(6_000_000), mediaType: layerType, diffId: sha256(Buffer.from("big")) };
    await pushMade(image("small"), near.url, "disk:small");
    await pushMade(makeImage({ layers: [{ packed }] }), near.url, "disk:big");
    const { file } = await fileOf(["tool, tags: [a]", "disk, tags: [big, small]"]);
    const sandbox = await createSandbox({ bytes: 3_000_000 });
    const cli = `"${process.execPath}" "${cliPath}"`;
    const place = `oci:${sandbox.temporary}/images`;
    const { stdout, stderr } = await sandbox.script(
      `${cli} mirror save -f ${file} --no-lock --jobs=1 ${place}; echo "save: $?"; ${cli} mirror verify ${place}; echo "verify: $?"`,
    );
    expect(stdout).toMatch(/^save: 8$/m);
    expect(stderr).toMatch(/; \d of 3 images were done \[DISK_FULL\]\n {2}hint: /);
    expect(stdout).toMatch(/^verify: 0$/m);
  });

  test("that is read-only ends with 8, and nothing is read for it", async () => {
    const { file, home } = await fileOf(["tool, tags: [a]"]);
    const sandbox = await createSandbox("nothing");
    const result = await sandbox.compose(["mirror", "save", "-f", file, "--no-lock", `oci:${home}/images`]);
    expect(result.status).toBe(8);
    expect(nearProxy.exchanges.filter(isBlobRead)).toEqual([]);
    const locking = await sandbox.compose(["mirror", "save", "-f", file, `oci:${home}/images`]);
    expect(locking.status).toBe(8);
    expect(locking.stderr).toMatch(/the lock file cannot be written[\s\S]*hint: .*--no-lock/);
  });
});

const layerType = "application/vnd.oci.image.layer.v1.tar+gzip";

/** Bytes that no compression makes smaller, the same each time. */
function noise(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = 1;
  for (let i = 0; i < size; i += 1) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    bytes[i] = state >> 16;
  }
  return bytes;
}
