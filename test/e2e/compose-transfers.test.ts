import { readdir } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ComposeInputs, composeInputs, inputReference, pushInputs } from "../support/compose-images.ts";
import { debianNeeds } from "../support/debian-images.ts";
import type { Fault } from "../support/proxy-fault.ts";
import { type Exchange, type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.ts";
import { registryKinds } from "../support/registries.ts";
import type { Registry } from "../support/registry.ts";
import { type CliOptions, type CliResult, runCli } from "../support/run-cli.ts";
import { describeWith } from "../support/tools.ts";
import { skopeoCopy, skopeoInspect } from "../support/unpack.ts";

const isUpload = ({ path }: Exchange) => path.includes("/team/app/blobs/uploads");
const isManifestPut = ({ method, path }: Exchange) =>
  method === "PUT" && path.startsWith("/v2/team/app/manifests/");
const isTagPut = (exchange: Exchange) => isManifestPut(exchange) && !exchange.path.includes("sha256:");
const isDownloadFrom = (name: string) => (exchange: Exchange) =>
  exchange.method === "GET" && exchange.path.startsWith(`/v2/fixture/${name}/blobs/`);

/** A fault, the requests it befalls, and the exit status it leads to. */
interface FaultCase {
  readonly title: string;
  readonly befalls: (exchange: Exchange) => boolean;
  readonly fault: Fault;
  readonly status: number;
}

const rejection = JSON.stringify({ errors: [{ code: "DENIED_BY_POLICY", message: "not on a Friday" }] });
const json = { "content-type": "application/json" };

const faultCases: readonly FaultCase[] = [
  {
    title: "the registry rejects a blob",
    befalls: (exchange) => isUpload(exchange) && exchange.method !== "DELETE",
    fault: { kind: "answer", status: 400, headers: json, body: rejection },
    status: 7,
  },
  {
    title: "the registry rejects every manifest",
    befalls: isManifestPut,
    fault: { kind: "answer", status: 400, headers: json, body: rejection },
    status: 7,
  },
  {
    title: "the registry rejects the tag",
    befalls: isTagPut,
    fault: { kind: "answer", status: 400, headers: json, body: rejection },
    status: 7,
  },
  {
    title: "the registry forbids the push",
    befalls: isUpload,
    fault: { kind: "answer", status: 403, headers: json, body: rejection },
    status: 3,
  },
  {
    title: "a layer of the builder is missing",
    befalls: isDownloadFrom("builder"),
    fault: { kind: "answer", status: 404 },
    status: 4,
  },
  {
    title: "a layer of the builder is not what its digest says",
    befalls: isDownloadFrom("builder"),
    fault: { kind: "answer", status: 200, body: "<html>Welcome to the hotel's network</html>" },
    status: 6,
  },
  {
    title: "the connection breaks whenever a layer of the builder is read",
    befalls: isDownloadFrom("builder"),
    fault: { kind: "cut-response", afterBytes: 0 },
    status: 5,
  },
];

describeWith([...debianNeeds, "skopeo", "cli"], "what compose moves", () => {
  let inputs: ComposeInputs;

  beforeAll(async () => {
    inputs = await composeInputs();
  });

  for (const kind of registryKinds) {
    describeWith(kind.needs, `with ${kind.name}`, () => {
      let registry: Registry;
      let proxy: RecordingProxy;

      beforeAll(async () => {
        registry = await kind.start();
        await pushInputs(inputs, registry);
      });
      afterAll(() => registry.stop());
      beforeEach(async () => {
        proxy = await startRecordingProxy(registry.url);
      });
      afterEach(() => proxy.stop());

      const compose = (
        tag: string,
        more: readonly string[] = [],
        options: CliOptions = {},
      ): Promise<CliResult> =>
        runCli(
          [
            "compose",
            "--builder",
            inputReference(proxy, "builder"),
            "--base",
            inputReference(proxy, "base"),
            "--directory",
            "/opt/app-root/src:/srv/app",
            "--tag",
            `${proxy.host}/team/app:${tag}`,
            ...more,
          ],
          options,
        );

      test("a second run uploads no blob", async () => {
        const first = await compose("twice");
        expect(first.status, first.stderr).toBe(0);
        expect(proxy.exchanges.some(isUpload)).toBe(true);
        proxy.forget();

        const second = await compose("twice");
        expect(second.status, second.stderr).toBe(0);
        expect(second.stdout).toBe(first.stdout);
        expect(proxy.exchanges.filter(isUpload)).toEqual([]);
      });

      test("with --link no layer of a base in the target's registry is downloaded", async () => {
        const layers = (await skopeoInspect(inputs.base)).Layers;
        const { status, stderr } = await compose("linked", ["--link"]);
        expect(status, stderr).toBe(0);
        const downloads = proxy.exchanges.filter(isDownloadFrom("base")).map(({ path }) => path);
        expect(layers.filter((layer) => downloads.some((path) => path.endsWith(layer)))).toEqual([]);
        const uploaded = proxy.exchanges
          .filter((exchange) => isUpload(exchange) && exchange.requestBytes > 0)
          .map(({ query }) => query.get("digest"));
        expect(layers.filter((layer) => uploaded.includes(layer))).toEqual([]);
      });

      test("every layer of the builder is downloaded at most once", async () => {
        const { status, stderr } = await compose("once", ["--link"]);
        expect(status, stderr).toBe(0);
        const paths = proxy.exchanges.filter(isDownloadFrom("builder")).map(({ path }) => path);
        expect(paths).toEqual([...new Set(paths)]);
      });

      test("a dry run writes nothing", async () => {
        const { status, stderr } = await compose("dry", ["--dry-run=full"]);
        expect(status, stderr).toBe(0);
        expect(proxy.exchanges.filter(({ method }) => !["GET", "HEAD"].includes(method))).toEqual([]);
      });

      describe("leaves a tag where it was", () => {
        let before: string;
        const tagDigest = async () => (await skopeoInspect(`docker://${registry.host}/team/app:kept`)).Digest;

        beforeEach(async () => {
          await skopeoCopy(inputs.base, `docker://${registry.host}/team/app:kept`);
          before = await tagDigest();
        });

        test.each(faultCases)("when $title", async ({ title, befalls, fault, status }) => {
          proxy.fault = (exchange) => (befalls(exchange) ? fault : undefined);
          const result = await compose("kept", ["--retries", "0", "--label", `case=${title}`]);
          expect(result.status, result.stderr).toBe(status);
          expect(result.stdout).toBe("");
          expect(await tagDigest()).toBe(before);
          expect(await readdir(result.temporary)).toEqual([]);
        });

        test.each([
          { signal: "SIGINT", status: 130 },
          { signal: "SIGTERM", status: 143 },
        ] as const)("when $signal comes in the middle of an upload", async ({ signal, status }) => {
          let release = () => {};
          const until = new Promise<void>((resolve) => {
            release = resolve;
          });
          const isBody = (exchange: Exchange) =>
            isUpload(exchange) && ["PUT", "PATCH"].includes(exchange.method);
          proxy.fault = (exchange) => (isBody(exchange) ? { kind: "hold", until } : undefined);
          const result = await compose("kept", ["--label", `case=${signal}`], {
            interrupt: { when: proxy.seen(isBody), signal },
          });
          release();
          expect(result.status, result.stderr).toBe(status);
          expect(result.stdout).toBe("");
          expect(await tagDigest()).toBe(before);
          expect(await readdir(result.temporary)).toEqual([]);
        });
      });
    });
  }
});
