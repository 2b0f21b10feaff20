import { expect, onTestFinished, test } from "vitest";
import { parseConfigFlags } from "../../src/frontends/flags/config-flags.ts";
import { unstoppable } from "../../src/io/call.ts";
import { parseLocation } from "../../src/model/location.ts";
import { configureImage } from "../../src/ops/configure-image.ts";
import { startRegistry } from "../../src/server/start-registry.ts";
import { makeAttestation, makeImage, makeIndex, saveMade } from "../support/make-image.ts";
import { temporaryDirectory } from "../support/temp.ts";

const shared = { files: [{ path: "etc/" }] };
const amd64 = makeImage({ layers: [shared, { files: [{ path: "amd/" }] }] });
const arm64 = makeImage({ layers: [shared, { files: [{ path: "arm/" }] }], architecture: "arm64" });

test("an index goes blobs first, each once, then its manifests, then itself, to every target; tags move last", async () => {
  const requests: string[] = [];
  const registry = await startRegistry(
    {
      directory: await temporaryDirectory("move-tags"),
      writable: true,
      host: "127.0.0.1",
      port: 0,
      onRequest: ({ method, url }) => requests.push(`${method} ${url}`),
    },
    unstoppable,
  );
  onTestFinished(() => registry.close());
  const index = makeIndex([amd64, arm64, makeAttestation(arm64)]);
  const source = await saveMade(index, await temporaryDirectory("move-tags"), "made");
  const targets = ["one:1", "two:1", "two:2"].map((name) =>
    parseLocation(`127.0.0.1:${registry.port}/${name}`),
  );
  const { descriptor, pushed } = await configureImage(
    parseLocation(source),
    parseConfigFlags({ annotation: ["a=1"] }),
    targets,
    // one at a time, so that the order can be told
    { platforms: [{ os: "linux", architecture: "amd64" }], jobs: 1 },
  );
  expect(pushed.map(({ name, tags }) => [name.replace(/^.*\//, ""), tags])).toEqual([
    ["one", ["1"]],
    ["two", ["1", "2"]],
  ]);
  const puts = requests.filter((request) => /^(PUT|POST|PATCH) /.test(request));
  const manifestPuts = puts.filter((put) => put.includes("/manifests/"));
  const { digest } = descriptor;
  expect(manifestPuts.slice(-5)).toEqual([
    `PUT /v2/one/manifests/${digest}`,
    `PUT /v2/two/manifests/${digest}`,
    "PUT /v2/one/manifests/1",
    "PUT /v2/two/manifests/1",
    "PUT /v2/two/manifests/2",
  ]);
  const children = manifestPuts.slice(0, -5);
  expect(children).toHaveLength(6);
  expect(children.filter((put) => put.endsWith(arm64.top.descriptor.digest))).toHaveLength(2);
  const [layer] = amd64.layers;
  const uploads = puts.filter((put) => put.includes(encodeURIComponent(layer?.descriptor.digest ?? "")));
  expect(uploads.map((put) => put.replace(/^PUT \/v2\/(\w+)\/.*$/, "$1")).sort()).toEqual(["one", "two"]);
});
