import { randomBytes } from "node:crypto";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { digestOf } from "../../src/model/digest.ts";
import { tinyImage } from "../store/layout/tiny-image.ts";
import { startServe } from "../support/embedded-registry.ts";
import { layoutMembers } from "../support/make-archive.ts";
import { makeImage, tarOf } from "../support/make-image.ts";
import { expectMessage } from "../support/refusal.ts";
import type { Registry } from "../support/registry.ts";
import { cliPath, isolatedEnvironment, runCli } from "../support/run-cli.ts";
import { createSandbox } from "../support/sandbox.ts";
import { startService } from "../support/service.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";
import { askAt } from "./distribution/ask.ts";
import { pushBlob, pushImage, pushManifest } from "./distribution/scene.ts";

async function emptyDirectory(): Promise<string> {
  const directory = join(await temporaryDirectory("serve"), "store");
  await mkdir(directory);
  return directory;
}

async function serve(directory: string, ...flags: readonly string[]): Promise<Registry> {
  const registry = await startServe(directory, ...flags);
  onTestFinished(() => registry.stop());
  return registry;
}

const layoutFiles = ["blobs", "index.json", "oci-layout"];

describeWith(["cli"], "compose-image serve", () => {
  test("loses no tag and no image when two of them write to one layout", async () => {
    const directory = await emptyDirectory();
    const registries = await Promise.all([1, 2].map(() => serve(directory, "--writable")));
    const asks = registries.map(({ url }) => askAt(url));
    const images = await Promise.all(asks.map((_, i) => tinyImage(`image ${i}`)));
    const tags: string[] = [];
    await Promise.all(
      asks.map(async (ask, i) => {
        const image = images[i];
        if (image === undefined) return;
        await pushImage(ask, "app", image, `p${i}`);
        tags.push(`p${i}`);
        const more = Array.from({ length: 12 }, (_, n) => `p${i}-${n}`);
        await Promise.all(more.map((tag) => pushManifest(ask, "app", image.manifest, tag)));
        tags.push(...more);
      }),
    );
    for (const ask of asks) {
      const { body } = await ask("GET", "app/tags/list");
      expect((JSON.parse(body.toString()) as { tags: string[] }).tags).toEqual(tags.sort());
      for (const { layer } of images)
        expect((await ask("GET", `app/blobs/${layer.descriptor.digest}`)).body).toEqual(layer.bytes);
    }
    expect((await readdir(directory)).sort()).toEqual(layoutFiles);
  });

  test("killed within an upload leaves the layout as it was, and the next start cleans up", async () => {
    const directory = await emptyDirectory();
    const killed = await serve(directory, "--writable");
    const image = await tinyImage("one");
    await pushImage(askAt(killed.url), "app", image, "1");
    const blob = randomBytes(1_000_000);
    const path = `app/blobs/uploads/?digest=${digestOf(blob)}`;
    const outgoing = request(new URL(path, `${killed.url}/v2/`), {
      method: "POST",
      headers: { "Content-Length": blob.byteLength },
    });
    const cut = new Promise((resolve) => outgoing.on("error", resolve));
    outgoing.write(blob.subarray(0, 500_000));
    await expect.poll(async () => (await readdir(directory)).length).toBe(layoutFiles.length + 1);
    process.kill(killed.pid, "SIGKILL");
    await cut;
    await killed.stop();

    const reading = askAt((await serve(directory)).url);
    expect((await reading("GET", "app/manifests/1")).body).toEqual(Buffer.from(image.manifest.bytes));
    expect((await reading("HEAD", `app/blobs/${digestOf(blob)}`)).status).toBe(404);
    const writing = askAt((await serve(directory, "--writable")).url);
    expect((await readdir(directory)).sort()).toEqual(layoutFiles);
    await pushBlob(writing, "app", blob);
    expect((await writing("GET", `app/blobs/${digestOf(blob)}`)).body).toEqual(blob);
  });

  test("lets a pull finish that is under way when it is told to end, and takes no other", async () => {
    const directory = await emptyDirectory();
    const home = await temporaryDirectory("serve-home");
    const service = await startService(
      process.execPath,
      [cliPath, "serve", directory, "--writable", "--listen", "127.0.0.1:0"],
      /listening on (http:\S+)/,
      { env: isolatedEnvironment(home, home) },
    );
    onTestFinished(() => service.stop("SIGKILL"));
    const ask = askAt(service.ready[1] ?? "");
    const blob = randomBytes(20_000_000);
    const digest = await pushBlob(ask, "app", blob);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const url = new URL(`/v2/app/blobs/${digest}`, service.ready[1]);
      request(url, { agent: false }, resolve).on("error", reject).end();
    });
    const ended = service.stop("SIGTERM");
    const isReached = () =>
      ask("GET", "/v2/").then(
        () => true,
        () => false,
      );
    await expect.poll(isReached).toBe(false);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    expect(digestOf(Buffer.concat(chunks))).toBe(digest);
    await ended;
    expect(service.status()).toBe(0);
    expect((await readdir(directory)).sort()).toEqual(layoutFiles);
  });

  test("refuses to write to an archive", async () => {
    const archive = join(await temporaryDirectory("archive"), "app.tar");
    const image = makeImage({ layers: [{ files: [{ path: "a", content: "a" }] }] });
    await writeFile(archive, tarOf(layoutMembers([{ image, tag: "1" }])));
    expectMessage(await runCli(["serve", archive, "--writable"]), {
      status: 2,
      code: "USAGE",
      message: [archive, "--writable"],
      hint: "directory",
    });
  });
});

describeWith(["cli", "bwrap"], "compose-image serve on a file system that is read-only", () => {
  test("says so at the start when it is to write", async () => {
    const directory = await emptyDirectory();
    await (await serve(directory, "--writable")).stop();
    const sandbox = await createSandbox("nothing");
    expectMessage(await sandbox.compose(["serve", directory, "--writable", "--listen", "127.0.0.1:0"]), {
      status: 8,
      code: "LOCAL_IO",
      message: [directory, "read-only"],
      hint: "without --writable",
    });
  });
});
