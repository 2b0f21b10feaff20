import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { unstoppable } from "../../../src/io/call.ts";
import { collect } from "../../../src/io/collect.ts";
import type { TransferEvent } from "../../../src/io/transfer.ts";
import { digestOf } from "../../../src/model/digest.ts";
import { mediaTypes } from "../../../src/model/media-types.ts";
import { parseReference } from "../../../src/model/reference.ts";
import { RegistryClient } from "../../../src/store/registry/client.ts";
import { temporaryDirectory } from "../../support/temp.ts";
import { startForTest } from "./open-for-test.ts";
import { type Script, sampleBlob } from "./scripted-registry.ts";

const { bytes, descriptor } = sampleBlob(1000);
const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.oci.manifest }));
const digest = digestOf(manifest);

/** Serves the manifest under any tag, and the blob. */
const whole: Script = ({ path }, response) => {
  const isManifest = path.includes("/manifests/");
  const body = isManifest ? manifest : bytes;
  response
    .writeHead(200, {
      "content-type": isManifest ? mediaTypes.oci.manifest : "application/octet-stream",
      "content-length": body.byteLength,
    })
    .end(body);
};
const empty: Script = (_, response) => response.writeHead(404).end();

/** The image `registry.example/team/app:1` by a `registries.conf`, and what happens on the wire. */
async function openWith(conf: string, reference = "registry.example/team/app:1") {
  const registriesConf = join(await temporaryDirectory("pull-source"), "registries.conf");
  await writeFile(registriesConf, conf);
  const events: TransferEvent[] = [];
  const client = new RegistryClient({
    ...{ env: {}, registriesConf, retries: 0 },
    onTransfer: (event) => events.push(event),
  });
  const source = () => client.source(parseReference(reference), "base");
  const fallbacks = () => events.flatMap((event) => (event.kind === "fallback" ? [event.place] : []));
  return { source, client, fallbacks, registriesConf };
}

const rule = (location: string, ...mirrors: string[]): string => `
  [[registry]]
  prefix = "registry.example"
  location = "${location}"
  mirror = [${mirrors.map((mirror) => `{ location = "${mirror}" }`).join(", ")}]`;

describe("an image with mirrors", () => {
  test("is read from the first that has it, which is asked for its blobs, too", async () => {
    const [main, first, second] = [
      await startForTest(whole),
      await startForTest(empty),
      await startForTest(whole),
    ];
    const { source, fallbacks } = await openWith(rule(main.host, `${first.host}/one`, `${second.host}/two`));
    const image = source();
    expect(image.name).toBe("registry.example/team/app");
    expect((await image.manifest({ tag: "1" }, unstoppable)).descriptor.digest).toBe(digest);
    expect(await collect(await image.fetch(descriptor, unstoppable), 2000, "blob")).toEqual(bytes);
    expect(image.mountOrigin).toEqual({ registry: second.host, repository: "two/team/app" });
    expect(first.seen.map(({ path }) => path)).toEqual(["/v2/one/team/app/manifests/1"]);
    expect(second.seen.map(({ path }) => path)).toEqual([
      "/v2/two/team/app/manifests/1",
      `/v2/two/team/app/blobs/${descriptor.digest}`,
    ]);
    expect(main.seen).toEqual([]);
    expect(fallbacks()).toEqual([`${first.host}/one/team/app`]);
  });

  test("is asked for by the tag that is meant, where a whole repository was opened", async () => {
    const [main, mirror] = [await startForTest(whole), await startForTest(whole)];
    const { client } = await openWith(rule(main.host, `${mirror.host}/one`));
    const source = client.source({ registry: "registry.example", repository: "team/app" }, "source");
    await source.manifest({ tag: "1.2" }, unstoppable);
    await source.resolve({ tag: "1.3" }, unstoppable);
    const asked = new Set(mirror.seen.map(({ path }) => path));
    expect([...asked]).toEqual(["/v2/one/team/app/manifests/1.2", "/v2/one/team/app/manifests/1.3"]);
  });

  test("is read from its location when no mirror can be reached", async () => {
    const main = await startForTest(whole);
    const { source, fallbacks } = await openWith(rule(main.host, "127.0.0.1:1"));
    expect((await source().resolve({ tag: "1" }, unstoppable)).digest).toBe(digest);
    expect(fallbacks()).toEqual(["127.0.0.1:1/team/app"]);
  });

  test("has a blob that its mirror lacks read from elsewhere", async () => {
    const partial = await startForTest((request, response) =>
      (request.path.includes("/blobs/") ? empty : whole)(request, response),
    );
    const main = await startForTest(whole);
    const { source } = await openWith(rule(main.host, partial.host));
    const image = source();
    await image.manifest({ tag: "1" }, unstoppable);
    expect(await collect(await image.fetch(descriptor, unstoppable), 2000, "blob")).toEqual(bytes);
    expect(main.seen.map(({ path }) => path)).toEqual([`/v2/team/app/blobs/${descriptor.digest}`]);
  });

  test("is not read from one that answers a digest with something else", async () => {
    const lying = await startForTest((request, response) => {
      const body = request.path.includes("/manifests/") ? Buffer.from('{"schemaVersion":2}') : bytes;
      response.writeHead(200, { "content-type": mediaTypes.oci.manifest }).end(body);
    });
    const main = await startForTest(whole);
    const { source } = await openWith(rule(main.host, lying.host), `registry.example/team/app@${digest}`);
    expect((await source().manifest({ digest }, unstoppable)).bytes).toEqual(manifest);
  });

  test("that nobody has is told with what each place said, and the location's code", async () => {
    const [main, mirror] = [await startForTest(empty), "127.0.0.1:1"];
    const { source, registriesConf } = await openWith(rule(main.host, mirror));
    await expect(source().manifest({ tag: "1" }, unstoppable)).rejects.toMatchObject({
      code: "MANIFEST_NOT_FOUND",
      message: `base registry.example/team/app:1: none of the 2 places that ${registriesConf} gives has it: ${mirror}/team/app: ${mirror}: connection refused; ${main.host}/team/app:1: ${main.host} answered 404`,
    });
  });
});

describe("an image whose registry is elsewhere", () => {
  test("is told by its own name and that of the place", async () => {
    const main = await startForTest(empty);
    const { source, registriesConf } = await openWith(rule(`${main.host}/hub`));
    await expect(source().manifest({ tag: "1" }, unstoppable)).rejects.toMatchObject({
      code: "MANIFEST_NOT_FOUND",
      message: `base ${main.host}/hub/team/app:1: ${main.host} answered 404 (asked for registry.example/team/app:1, by ${registriesConf})`,
    });
  });

  test("is told so as well when a blob turns out to be damaged", async () => {
    const main = await startForTest((_, response) =>
      response.writeHead(200, { "content-length": bytes.byteLength }).end(Buffer.alloc(bytes.byteLength)),
    );
    const { source } = await openWith(rule(main.host));
    const content = await source().fetch(descriptor, unstoppable);
    await expect(collect(content, 2000, "blob")).rejects.toMatchObject({
      code: "DIGEST_MISMATCH",
      message: expect.stringMatching(/^base 127\.0\.0\.1.*asked for registry\.example\/team\/app:1/),
    });
  });

  test("may have another tag there", async () => {
    const main = await startForTest(whole);
    const conf = `[[registry]]\nprefix = "registry.example/team/app:1"\nlocation = "${main.host}/app:stable"`;
    const { source } = await openWith(conf);
    await source().manifest({ tag: "1" }, unstoppable);
    expect(main.seen.map(({ path }) => path)).toEqual(["/v2/app/manifests/stable"]);
  });
});

test("a repository that is written to is where its name says", async () => {
  const [main, mirror] = [await startForTest(whole), await startForTest(whole)];
  const conf = `[[registry]]\nlocation = "${main.host}"\nmirror = [{ location = "${mirror.host}" }]`;
  const { client } = await openWith(conf);
  const target = client.repository(main.host, "team/app", "target");
  expect(target.mountOrigin).toEqual({ registry: main.host, repository: "team/app" });
  expect(await target.exists(descriptor, unstoppable)).toBe(true);
  expect(mirror.seen).toEqual([]);
});

test("what is blocked is neither read nor written, and the file that says so is named", async () => {
  const conf = '[[registry]]\nlocation = "registry.example/team"\nblocked = true';
  const { source, client, registriesConf } = await openWith(conf);
  const by = `is blocked by ${registriesConf} ("registry.example/team")`;
  const error = (name: string) => expect.objectContaining({ code: "USAGE", message: `${name} ${by}` });
  expect(source).toThrow(error("base registry.example/team/app:1"));
  expect(() => client.repository("registry.example", "team/app", "target")).toThrow(
    error("target registry.example/team/app"),
  );
});

test("a registries.conf that was named and is not there shows at once", () => {
  expect(() => new RegistryClient({ env: {}, registriesConf: "/absent/registries.conf" })).toThrow(
    expect.objectContaining({ code: "USAGE", message: expect.stringContaining("/absent/registries.conf") }),
  );
});
