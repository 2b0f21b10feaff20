import { expect, onTestFinished, test } from "vitest";
import { parseComposeFlags } from "../../src/frontends/flags/compose-flags.ts";
import { unstoppable } from "../../src/io/call.ts";
import { compose } from "../../src/ops/compose.ts";
import { startRegistry } from "../../src/server/start-registry.ts";
import { dir, file } from "../layers/support/entries.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { putImage } from "./support/images.ts";

/** Composes from a layout to tags of an embedded registry; gives what that was asked, probes left out. */
async function requestsOfCompose(...targets: readonly string[]) {
  const requests: string[] = [];
  const registry = await startRegistry(
    {
      directory: await temporaryDirectory("push"),
      writable: true,
      host: "127.0.0.1",
      port: 0,
      onRequest: ({ method, url }) => requests.push(`${method} ${url}`),
    },
    unstoppable,
  );
  onTestFinished(() => registry.close());
  const directory = await temporaryDirectory("push");
  await putImage(directory, "builder", { layers: [[dir("app"), file("app/f", "1")]] });
  await putImage(directory, "base", { layers: [[dir("etc")], [dir("srv")]] });
  const plan = parseComposeFlags({
    builder: `oci:${directory}:builder`,
    base: `oci:${directory}:base`,
    directory: ["/app"],
    tag: targets.map((target) => `127.0.0.1:${registry.port}/${target}`),
  });
  const run = async () => {
    requests.length = 0;
    await compose(plan);
    return requests.filter((request) => request !== "GET /v2/");
  };
  return { run };
}

const manifestPuts = (requests: readonly string[]) =>
  requests
    .filter((request) => /^PUT .*\/manifests\//.test(request))
    .map((put) => put.replace(/[0-9a-f]{64}/, ""));

test("a target is asked once for each blob, and gets the manifest by its digest before its tag", async () => {
  const { run } = await requestsOfCompose("out:1");
  const first = await run();
  const asked = first.filter((request) => request.startsWith("HEAD"));
  expect(asked).toHaveLength(4);
  expect(new Set(asked).size).toBe(4);
  expect(manifestPuts(first)).toEqual(["PUT /v2/out/manifests/sha256:", "PUT /v2/out/manifests/1"]);
  const second = await run();
  expect(second.map((request) => request.slice(0, 4)).sort()).toEqual([
    "HEAD",
    "HEAD",
    "HEAD",
    "HEAD",
    "PUT ",
    "PUT ",
  ]);
});

test("of several targets none is tagged before all have the manifest", async () => {
  const { run } = await requestsOfCompose("one:1", "two:1", "two:2");
  expect(manifestPuts(await run())).toEqual([
    "PUT /v2/one/manifests/sha256:",
    "PUT /v2/two/manifests/sha256:",
    "PUT /v2/one/manifests/1",
    "PUT /v2/two/manifests/1",
    "PUT /v2/two/manifests/2",
  ]);
});
