import { expect, test } from "vitest";
import { unstoppable } from "../../../src/io/call.ts";
import type { Descriptor } from "../../../src/model/descriptor.ts";
import { digestOf } from "../../../src/model/digest.ts";
import { mediaTypes } from "../../../src/model/media-types.ts";
import { encodeFallbackIndex, fallbackTag } from "../../../src/model/referrers.ts";
import { openForTest, startForTest } from "./open-for-test.ts";
import { registryError, type Script, sendJson } from "./scripted-registry.ts";

const subject = digestOf(Buffer.from("subject"));
const apiPath = `/v2/team/app/referrers/${subject}`;
const tagPath = `/v2/team/app/manifests/${fallbackTag(subject)}`;

function referrer(name: string): Descriptor {
  return { mediaType: mediaTypes.oci.manifest, digest: digestOf(Buffer.from(name)), size: 7 };
}
function index(...names: string[]) {
  return { schemaVersion: 2, mediaType: mediaTypes.oci.index, manifests: names.map(referrer) };
}
const open = async (script: Script) => {
  const registry = await startForTest(script);
  return { registry, ...openForTest(registry.host, { retries: 1 }) };
};
const notFound: Script = (_, response) => sendJson(response, 404, registryError("NOT_FOUND", "no"));

test("all pages of the referrers API count", async () => {
  const { target } = await open(({ query }, response) =>
    query.get("page") === null
      ? sendJson(response, 200, index("a"), { link: `<${apiPath}?page=2>; rel="next"` })
      : sendJson(response, 200, index("b")),
  );
  expect(await target.referrers(subject, unstoppable)).toEqual([referrer("a"), referrer("b")]);
});

test("where there is no API the fallback tag is asked, and the API not again", async () => {
  const { target, registry } = await open((request, response) =>
    request.path === tagPath
      ? response.writeHead(200, { "content-type": mediaTypes.oci.index }).end(JSON.stringify(index("a")))
      : notFound(request, response),
  );
  for (let i = 0; i < 2; i += 1) {
    expect(await target.referrers(subject, unstoppable)).toEqual([referrer("a")]);
  }
  expect(registry.seen.map(({ path }) => path)).toEqual([apiPath, tagPath, tagPath]);
});

test("an image that is tagged like a list of referrers lists none", async () => {
  const image = {
    schemaVersion: 2,
    mediaType: mediaTypes.oci.manifest,
    config: referrer("config"),
    layers: [],
  };
  const { target } = await open((request, response) =>
    request.path === tagPath
      ? response.writeHead(200, { "content-type": image.mediaType }).end(JSON.stringify(image))
      : notFound(request, response),
  );
  expect(await target.referrers(subject, unstoppable)).toEqual([]);
  const attached = target.attach(subject, [referrer("a")], unstoppable);
  await expect(attached).rejects.toMatchObject({ code: "MANIFEST_INVALID" });
});

test("neither an API nor a tag means none", async () => {
  const { target } = await open(notFound);
  expect(await target.referrers(subject, unstoppable)).toEqual([]);
});

test.each([
  [429, "NETWORK"],
  [500, "NETWORK"],
  [401, "UNAUTHORIZED"],
  [403, "DENIED"],
  [400, "REGISTRY_REJECTED"],
])("an answer %i is a failure, never taken for unsigned", async (status, code) => {
  for (const failing of [apiPath, tagPath]) {
    const { target } = await open((request, response) =>
      request.path === failing
        ? sendJson(response, status, registryError("SOME", "thing"))
        : notFound(request, response),
    );
    await expect(target.referrers(subject, unstoppable)).rejects.toMatchObject({ code });
  }
});

test("a later page that is gone is a failure, not the end of the list", async () => {
  const { target } = await open((request, response) =>
    request.query.get("page") === null
      ? sendJson(response, 200, index("a"), { link: `<${apiPath}?page=2>; rel="next"` })
      : notFound(request, response),
  );
  await expect(target.referrers(subject, unstoppable)).rejects.toMatchObject({ code: "REGISTRY_REJECTED" });
});

test("what the API answers has to be an index", async () => {
  const { target } = await open((_, response) => sendJson(response, 200, { tags: [] }));
  await expect(target.referrers(subject, unstoppable)).rejects.toMatchObject({ code: "MANIFEST_INVALID" });
});

test("a fallback tag keeps what others wrote, also at the same time", async () => {
  let stored: unknown = index("theirs");
  let writes = 0;
  const { target } = await open((request, response) => {
    if (request.path !== tagPath) return notFound(request, response);
    if (request.method === "PUT") {
      writes += 1;
      // The first write is lost to another one that comes right after it.
      stored = writes === 1 ? index("theirs", "late") : JSON.parse(request.body.toString());
      return response.writeHead(201).end();
    }
    return response.writeHead(200, { "content-type": mediaTypes.oci.index }).end(JSON.stringify(stored));
  });
  await target.attach(subject, [referrer("ours")], unstoppable);
  expect(stored).toEqual(index("theirs", "late", "ours"));
});

test("a fallback tag that has just these referrers costs one HEAD", async () => {
  const bytes = encodeFallbackIndex([referrer("ours")]);
  const headers = {
    "content-type": mediaTypes.oci.index,
    "content-length": bytes.byteLength,
    "docker-content-digest": digestOf(bytes),
  };
  const { target, registry } = await open((request, response) =>
    request.path === tagPath ? response.writeHead(200, headers).end() : notFound(request, response),
  );
  await target.attach(subject, [referrer("ours")], unstoppable);
  expect(registry.seen.map(({ method }) => method)).toEqual(["GET", "HEAD"]);
});

test("a registry that says to index a manifest gets no fallback tag", async () => {
  const { target, registry } = await open((_, response) =>
    response.writeHead(201, { "oci-subject": subject }).end(),
  );
  const bytes = Buffer.from("{}");
  const descriptor = { mediaType: mediaTypes.oci.manifest, digest: digestOf(bytes), size: 2 };
  await target.pushManifest({ descriptor, bytes }, unstoppable);
  await target.attach(subject, [descriptor], unstoppable);
  expect(registry.seen.map(({ method }) => method)).toEqual(["PUT"]);
});

test("a registry whose API does not list what it took is told of", async () => {
  const { target, events } = await open((_, response) => sendJson(response, 200, index()));
  await target.attach(subject, [referrer("ours")], unstoppable);
  expect(events.filter(({ kind }) => kind === "warning")).toHaveLength(1);
});
