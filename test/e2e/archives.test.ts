import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { parseLocation } from "../../src/model/location.ts";
import { Stores } from "../../src/store/open-stores.ts";
import { attempt, run } from "../support/command.ts";
import { layoutMembers, oldDockerMembers } from "../support/make-archive.ts";
import { makeImage, saveMade, tarOf } from "../support/make-image.ts";
import { mobyLoad } from "../support/moby-load.ts";
import { createPodman } from "../support/podman.ts";
import { expectRefusal } from "../support/refusal.ts";
import { type CliOptions, type CliResult, cliPath, runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";
import { skopeoInspect } from "../support/unpack.ts";

const server = { path: "app/server.js", content: "console.log(1);\n" };
const builder = makeImage({ layers: [{ files: [{ path: "app/" }, server] }] });
const base = makeImage({
  layers: [
    { files: [{ path: "etc/" }, { path: "etc/passwd", content: "root:x:0:0::/:/bin/sh\n" }] },
    { files: [{ path: "opt/", mode: 0o700 }] },
  ],
});

describeWith(["cli"], "archives", () => {
  let home: string;
  let inputs: string[];

  beforeAll(async () => {
    home = await temporaryDirectory("archives");
    await writeFile(join(home, "builder.tar"), tarOf(oldDockerMembers(builder, ["app:build"])));
    await writeFile(join(home, "base.tar"), tarOf(layoutMembers([{ image: base, tag: "1" }])));
    inputs = ["--builder", "docker-archive:builder.tar:app:build", "--base", "oci-archive:base.tar:1"];
  });

  const compose = (args: readonly string[], options: CliOptions = {}): Promise<CliResult> =>
    runCli([...inputs, "--directory", "/app:/opt/app", ...args], { cwd: home, ...options });
  const succeed = async (...args: string[]): Promise<CliResult> => {
    const result = await compose(args);
    expect(result.status, result.stderr).toBe(0);
    return result;
  };
  const digestIn = async (location: string): Promise<string> => {
    const stores = new Stores({});
    try {
      const { source, selector } = await stores.source(parseLocation(location), "image", unstoppable);
      return (await source.manifest(selector, unstoppable)).descriptor.digest;
    } finally {
      await stores[Symbol.asyncDispose]();
    }
  };

  describeWith(["skopeo", "umoci", "podman", "tar", "root"], "as other tools read them", () => {
    test("one image goes to several places at once, each read by skopeo, umoci, podman and docker's rules, and by us", async () => {
      const [oci, docker, layout] = ["out.tar", "docker.tar", "layout"].map((name) => join(home, name));
      const { stdout } = await succeed(
        ...["--tag", `oci-archive:${oci}:v1`, "--tag", `oci:${layout}:v1`, "--tag", `oci-archive:${oci}:v2`],
        ...["--tag", `docker-archive:${docker}:app:1`, "--tag", `docker-archive:${docker}:r.example/app:2`],
      );
      const digest = await digestIn(`oci:${layout}:v1`);
      expect(stdout).toBe(
        [`oci-archive:${oci}`, `oci:${layout}`, `docker-archive:${docker}`]
          .map((name) => `${name}@${digest}\n`)
          .join(""),
      );
      for (const location of [
        `oci-archive:${oci}:v2`,
        `docker-archive:${docker}`,
        `docker-archive:${docker}:app:1`,
        `oci-archive:${docker}:2`,
      ]) {
        expect(await digestIn(location), location).toBe(digest);
      }
      for (const location of [`oci-archive:${oci}:v1`, `oci-archive:${docker}:1`]) {
        expect((await skopeoInspect(location)).Digest, location).toBe(digest);
      }

      const bundle = join(await temporaryDirectory("bundle"), "bundle");
      const untarred = await temporaryDirectory("untarred");
      await run("tar", ["--extract", "--file", oci ?? "", "--directory", untarred]);
      await run("umoci", ["unpack", "--image", `${untarred}:v2`, bundle]);
      expect(await readFile(join(bundle, "rootfs/opt/app/server.js"), "utf8")).toBe(server.content);

      const [loaded, ...more] = await mobyLoad(await readFile(docker ?? ""));
      expect(more).toEqual([]);
      expect(loaded?.names).toEqual(["docker.io/library/app:1", "r.example/app:2"]);
      expect(loaded?.layers).toHaveLength(3);

      const podman = await createPodman();
      expect(await podman.load(docker ?? "")).toBe(
        "Loaded image: docker.io/library/app:1\nLoaded image: r.example/app:2\n",
      );
      const [saved] = await mobyLoad(await podman.save("r.example/app:2"));
      expect(saved?.layers).toEqual(loaded?.layers);
      await run("skopeo", [
        "copy",
        "--quiet",
        `docker-archive:${docker}:app:1`,
        `docker-archive:${home}/copied.tar`,
      ]);
      const [copied] = await mobyLoad(await readFile(join(home, "copied.tar")));
      expect(copied?.layers).toEqual(loaded?.layers);
      const files = await runCli(["cat", "docker-archive:copied.tar", "/opt/app/server.js"], { cwd: home });
      expect(files.stdout).toBe(server.content);
    });

    test("a layer that is not packed is read by umoci, out of an archive", async () => {
      const [archive, untarred] = [join(home, "plain.tar"), await temporaryDirectory("untarred")];
      await succeed("--tag", `oci-archive:${archive}:v1`, "--compression", "none");
      await run("tar", ["--extract", "--file", archive, "--directory", untarred]);
      const bundle = join(await temporaryDirectory("bundle"), "bundle");
      await run("umoci", ["unpack", "--image", `${untarred}:v1`, bundle]);
      expect(await readFile(join(bundle, "rootfs/opt/app/server.js"), "utf8")).toBe(server.content);
    });

    test("a layer in zstd is read by skopeo, podman and docker's rules, and by us", async () => {
      const [gzip, zstd] = [join(home, "gzip.tar"), join(home, "zstd.tar")];
      await succeed("--tag", `docker-archive:${gzip}:app:1`);
      await succeed("--tag", `docker-archive:${zstd}:app:zstd`, "--compression", "zstd");
      const [unpacked] = await mobyLoad(await readFile(gzip));
      const [loaded] = await mobyLoad(await readFile(zstd));
      expect(loaded?.layers).toEqual(unpacked?.layers);
      expect(await (await createPodman()).load(zstd)).toBe("Loaded image: docker.io/library/app:zstd\n");
      await run("skopeo", ["copy", "--quiet", `oci-archive:${zstd}:zstd`, `dir:${join(home, "zstd")}`]);
      const files = await runCli(["cat", `oci-archive:${zstd}`, "/opt/app/server.js"]);
      expect(files.stdout).toBe(server.content);
    });
  });

  test("the same image has the same bytes in an archive, whichever run makes it", async () => {
    await succeed("--tag", "docker-archive:a.tar:app:1", "--jobs", "1");
    await succeed("--tag", "docker-archive:b.tar:app:1", "--jobs", "8");
    expect(await readFile(join(home, "a.tar"))).toEqual(await readFile(join(home, "b.tar")));
  });

  test("on standard output there is the archive and nothing else", async () => {
    await succeed("--tag", "oci-archive:file.tar");
    const result = await attempt(
      process.execPath,
      [cliPath, ...inputs, "--directory", "/app:/opt/app", "--tag", "oci-archive:-"],
      { cwd: home },
    );
    expect(result.status, result.stderr).toBe(0);
    expect(result.stdout).toEqual(await readFile(join(home, "file.tar")));
    expect(result.stderr).toMatch(/^oci-archive:-@sha256:[0-9a-f]{64}$/m);
  });

  test("on standard output there is the archive alone of changed and of rebased images, too", async () => {
    const onto = ["--old-base", "oci-archive:base.tar:1", "--new-base", "oci-archive:base.tar:1"];
    for (const args of [
      ["config", "oci-archive:base.tar:1", "--env", "A=1"],
      ["rebase", "oci-archive:base.tar:1", ...onto],
    ]) {
      const toFile = await runCli([...args, "--tag", "oci-archive:changed.tar:2"], { cwd: home });
      expect(toFile.status, toFile.stderr).toBe(0);
      const piped = await attempt(process.execPath, [cliPath, ...args, "--tag", "oci-archive:-:2"], {
        cwd: home,
      });
      expect(piped.status, piped.stderr).toBe(0);
      expect(piped.stdout).toEqual(await readFile(join(home, "changed.tar")));
      expect(piped.stderr).toMatch(/^oci-archive:-@sha256:[0-9a-f]{64}$/m);
    }
    const both = ["config", "oci-archive:base.tar:1", "--env", "A=1", "--tag", "oci-archive:-:2", "--json"];
    expect(await runCli(both, { cwd: home })).toMatchObject({ status: 2, stdout: "" });
  });

  test("standard output that takes no archive ends it with 8", async () => {
    const script = '"$@" > /dev/full';
    const args = [cliPath, ...inputs, "--directory", "/app", "--tag", "docker-archive:-:app:1", "--quiet"];
    const { status, stderr } = await attempt("sh", ["-c", script, "sh", process.execPath, ...args], {
      cwd: home,
    });
    expect(stderr).toContain("cannot write to standard output: the disk is full [DISK_FULL]");
    expect(status).toBe(8);
  });

  test("an archive that cannot be written moves no tag and leaves no file", async () => {
    const layout = join(home, "untouched");
    const result = await compose(["--tag", `oci:${layout}:1`, "--tag", "oci-archive:nowhere/a.tar"]);
    await expectRefusal(result, {
      status: 8,
      code: "LOCAL_IO",
      message: ["nowhere", "no such file or directory"],
      hint: "directory",
    });
    expect(JSON.parse(await readFile(join(layout, "index.json"), "utf8")).manifests).toEqual([]);
  });

  test("a builder that turns out to be damaged leaves the archive that was there", async () => {
    const directory = join(home, "kept");
    await mkdir(directory);
    await writeFile(join(directory, "a.tar"), "before");
    const members = oldDockerMembers(builder, null).map((file) =>
      file.path.endsWith("layer.tar") ? { ...file, content: tarOf([{ path: "app/" }]) } : file,
    );
    await writeFile(join(home, "damaged.tar"), tarOf(members));
    const result = await compose([
      "--builder",
      "docker-archive:damaged.tar",
      "--tag",
      `oci-archive:${directory}/a.tar`,
    ]);
    await expectRefusal(result, {
      status: 6,
      code: "DIGEST_MISMATCH",
      message: ["builder docker-archive:damaged.tar"],
      hint: /./,
    });
    expect(await readdir(directory)).toEqual(["a.tar"]);
    expect(await readFile(join(directory, "a.tar"), "utf8")).toBe("before");
  });

  test("an archive cut in the middle ends it with 6, before anything is written", async () => {
    const whole = await readFile(join(home, "base.tar"));
    await writeFile(join(home, "cut.tar"), whole.subarray(0, whole.byteLength / 2));
    const result = await compose(["--base", "oci-archive:cut.tar", "--tag", "oci-archive:never.tar"]);
    await expectRefusal(result, {
      status: 6,
      code: "ARCHIVE_INVALID",
      message: ["base oci-archive:cut.tar", "the tar archive ends inside"],
      hint: "not a whole archive",
    });
    expect(await readdir(home)).not.toContain("never.tar");
  });

  test("an archive may be replaced by what is made from it", async () => {
    const own = join(home, "own.tar");
    await writeFile(own, await readFile(join(home, "base.tar")));
    await succeed("--base", "oci-archive:own.tar:1", "--tag", "oci-archive:own.tar:2");
    const { stdout } = await runCli(["ls", "-R", "oci-archive:own.tar:2", "/opt"], { cwd: home });
    expect(stdout).toContain("/opt/app/server.js");
    expect((await runCli(["ls", "oci-archive:own.tar:1"], { cwd: home })).status).toBe(4);
  });

  test("several images of one file go into one archive", async () => {
    const layout = join(home, "inputs");
    await saveMade(builder, layout, "builder");
    const image = (tag: string): string =>
      `builder: oci:${layout}:builder\nbase: scratch\ncopy: [/app:/${tag}]\ntags: ["oci-archive:both.tar:${tag}"]\n`;
    const result = await runCli(["--file", "-"], { cwd: home, input: `${image("one")}---\n${image("two")}` });
    expect(result.status, result.stderr).toBe(0);
    expect(result.stdout).toBe(
      `oci-archive:both.tar@${await digestIn(`oci-archive:${home}/both.tar:one`)}\n` +
        `oci-archive:both.tar@${await digestIn(`oci-archive:${home}/both.tar:two`)}\n`,
    );
  });
});
