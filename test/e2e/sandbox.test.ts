import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type ComposeScene, composeArguments, composeScene } from "../support/compose-scene.ts";
import { registryAccount, startDockerRegistry } from "../support/docker-registry.ts";
import { makeImage, pushMade } from "../support/make-image.ts";
import { readImage } from "../support/read-image.ts";
import { expectMessage } from "../support/refusal.ts";
import { registryKinds } from "../support/registries.ts";
import type { Registry } from "../support/registry.ts";
import { runCli } from "../support/run-cli.ts";
import { createSandbox, type Sandbox } from "../support/sandbox.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

describeWith(
  ["cli", "bwrap", "docker-registry"],
  "in a sandbox, with a registry that wants credentials",
  () => {
    let registry: Registry;
    let args: string[];

    beforeAll(async () => {
      registry = await startDockerRegistry({ authenticated: true });
      const { username, password } = registryAccount;
      const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
      const image = makeImage({ layers: [{ files: [{ path: "app/" }, { path: "app/a", content: "a" }] }] });
      const builder = await pushMade(image, registry.url, "scene/builder:1", { authorization });
      const tag = `${registry.host}/scene/app:1`;
      args = composeArguments({ builder, base: "scratch", directory: "/app", tag });
    });
    afterAll(() => registry.stop());

    test("a user without a home who has no credentials is told so", async () => {
      const sandbox = await createSandbox("nothing");
      expectMessage(await sandbox.compose(args), {
        status: 3,
        code: "UNAUTHORIZED",
        message: [`builder ${registry.host}/scene/builder:1`],
        hint: `no credentials for ${registry.host}`,
      });
    });

    test("a user without a home who names a credentials file can pull and push", async () => {
      const sandbox = await createSandbox("nothing");
      const authfile = join(await temporaryDirectory("auth"), "auth.json");
      await writeFile(authfile, JSON.stringify({ auths: { [registry.host]: registryAccount } }));
      const result = await sandbox.compose([...args, "--authfile", authfile]);
      expect(result, result.stderr).toMatchObject({ status: 0 });
      expect(result.stdout).toMatch(/@sha256:[0-9a-f]{64}\n$/);
    });
  },
);

for (const kind of registryKinds) {
  describeWith(["cli", "bwrap", ...kind.needs], `in a sandbox, with ${kind.name}`, () => {
    let scene: ComposeScene;
    let outside: string;

    beforeAll(async () => {
      scene = await composeScene(await kind.start(), 3 * 1024 * 1024);
      const name = `${scene.registry.host}/scene/outside`;
      expect(await runCli(scene.arguments({ tag: `${name}:1` }))).toMatchObject({ status: 0 });
      outside = (await readImage(`${name}:1`)).digest;
    });
    afterAll(() => scene.stop());

    /** Composes with every byte in the temporary file, or none there; gives the digest. */
    async function compose(sandbox: Sandbox, memoryLimit: string, name: string): Promise<string> {
      const tag = `${scene.registry.host}/scene/${name}`;
      const result = await sandbox.compose(scene.arguments({ tag: `${tag}:1`, "memory-limit": memoryLimit }));
      expect(result, result.stderr).toMatchObject({ status: 0, left: [] });
      const { digest } = await readImage(`${tag}:1`);
      expect(result.stdout).toBe(`${tag}@${digest}\n`);
      return digest;
    }

    test("a user nobody knows, without a home, on a read-only file system, composes the same image by way of TMPDIR", async () => {
      const sandbox = await createSandbox("TMPDIR");
      const surroundings =
        "id -u; echo home:$HOME; getent passwd $(id -u); touch $TMPDIR/x && rm $TMPDIR/x && echo writable";
      expect((await sandbox.script(surroundings)).stdout).toBe("1000620000\nhome:\nwritable\n");
      expect(await compose(sandbox, "0", "pod")).toBe(outside);
    });

    test("the same user composes the same image with nothing writable when the selection fits in memory", async () => {
      const sandbox = await createSandbox("nothing");
      const attempts =
        "for d in / /tmp /var/tmp /dev/shm /run /root .; do touch $d/x 2>/dev/null && echo $d; done; true";
      expect((await sandbox.script(attempts)).stdout).toBe("");
      expect(await compose(sandbox, "64M", "confined")).toBe(outside);
    });

    test("with nothing writable and a selection that does not fit in memory it ends with 8 and says what to do", async () => {
      const sandbox = await createSandbox("nothing");
      const result = await sandbox.compose(scene.arguments({ "memory-limit": "0" }));
      expectMessage(result, {
        status: 8,
        code: "LOCAL_IO",
        message: ["/tmp", "read-only"],
        hint: /TMPDIR.*--memory-limit/,
      });
      await scene.expectUntouched();
    });
  });

  describeWith(["cli", "bwrap", ...kind.needs], `on a full disk, with ${kind.name}`, () => {
    const room = { bytes: 1024 * 1024 };
    let scene: ComposeScene;
    let sandbox: Sandbox;

    beforeAll(async () => {
      scene = await composeScene(await kind.start(), 3 * 1024 * 1024);
    });
    beforeEach(async () => {
      sandbox = await createSandbox(room);
    });
    afterAll(() => scene.stop());

    test("a TMPDIR that fills up ends with 8, moves no tag and leaves nothing there", async () => {
      const result = await sandbox.compose(scene.arguments({ "memory-limit": "0" }));
      expectMessage(result, {
        status: 8,
        code: "DISK_FULL",
        message: [`in ${sandbox.temporary}`, "the disk is full"],
        hint: /TMPDIR.*--memory-limit/,
      });
      expect(result.left).toEqual([]);
      await scene.expectUntouched();
    });

    test("a target archive on a disk that fills up ends with 8 and is not there", async () => {
      const archive = `${sandbox.temporary}/app.tar`;
      const result = await sandbox.compose(scene.arguments({ tag: `oci-archive:${archive}` }));
      expectMessage(result, {
        status: 8,
        code: "DISK_FULL",
        message: [sandbox.temporary, "the disk is full"],
        hint: "room",
      });
      expect(result.left).toEqual([]);
    });

    test("a target layout on a disk that fills up ends with 8, gets no image and no other files", async () => {
      const layout = `${sandbox.temporary}/app`;
      const result = await sandbox.compose(scene.arguments({ tag: `oci:${layout}:1` }));
      expectMessage(result, {
        status: 8,
        code: "DISK_FULL",
        message: [layout, "the disk is full"],
        hint: "room",
      });
      const small = scene.base.layers[0]?.descriptor.digest.replace("sha256:", "./app/blobs/sha256/");
      expect(result.left.filter((path) => path !== small).sort()).toEqual([
        "./app",
        "./app/blobs",
        "./app/blobs/sha256",
        "./app/index.json",
        "./app/oci-layout",
      ]);
    });
  });
}
