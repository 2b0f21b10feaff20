import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { makeAttestation, makeImage, makeIndex, pushMade } from "../support/make-image.ts";
import { readImage, tagsOf } from "../support/read-image.ts";
import { type Exchange, type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.ts";
import { expectRefusal } from "../support/refusal.ts";
import { registryKinds } from "../support/registries.ts";
import type { Registry } from "../support/registry.ts";
import { runCli } from "../support/run-cli.ts";
import { describeWith } from "../support/tools.ts";

const execution = { Env: ["PATH=/bin"], Cmd: ["sh"] };
const amd64 = makeImage({ layers: [{ files: [{ path: "amd/" }] }], execution });
const arm64 = makeImage({ layers: [{ files: [{ path: "arm/" }] }], architecture: "arm64", execution });
const attestation = makeAttestation(amd64);
const index = makeIndex([amd64, arm64, attestation]);
const layers = [amd64, arm64].flatMap((image) => image.layers.map(({ descriptor }) => descriptor.digest));

for (const { name, needs, start } of registryKinds) {
  describeWith(["cli", ...needs], `config of an index on ${name}`, () => {
    let registry: Registry;
    let proxy: RecordingProxy;
    let image: string;

    beforeAll(async () => {
      registry = await start();
      proxy = await startRecordingProxy(registry.url);
      image = (await pushMade(index, registry.url, "config/app:1")).replace(registry.host, proxy.host);
    });
    afterAll(async () => {
      await proxy.stop();
      await registry.stop();
    });
    beforeEach(() => {
      proxy.fault = undefined;
      proxy.forget();
    });

    /** Requests that carry a layer, one way or the other. */
    const layerMoves = () =>
      proxy.exchanges.filter(
        ({ method, path, query }) =>
          ["GET", "PUT", "PATCH"].includes(method) &&
          layers.some((digest) => `${path}?${query}`.replaceAll("%3A", ":").includes(digest)),
      );
    const isTagPut = ({ method, path }: Exchange) =>
      method === "PUT" && path.includes("/manifests/") && !path.includes("sha256:");

    test.each(["config/app:2", "config/other:2"])(
      "changes every child, moves no layer: %s",
      async (target) => {
        const changes = ["--label", "team=blue", "--annotation", "org.example=x", "--user", "web"];
        const { status, stdout, stderr } = await runCli([
          ...["config", image, ...changes, "--tag", `${proxy.host}/${target}`],
        ]);
        expect(status, stderr).toBe(0);
        expect(layerMoves()).toEqual([]);
        const tagPuts = proxy.exchanges.filter(isTagPut);
        expect(tagPuts).toEqual([proxy.exchanges.at(-1)]);

        const [repository = ""] = target.split(":");
        const digest = stdout.trim().replace(`${proxy.host}/${repository}@`, "");
        const accept = "application/vnd.oci.image.index.v1+json";
        const answer = await fetch(`${registry.url}/v2/${repository}/manifests/2`, { headers: { accept } });
        expect(answer.headers.get("docker-content-digest")).toBe(digest);
        const { manifests }: { manifests: { digest: string; platform: { architecture: string } }[] } =
          JSON.parse(await answer.text());
        expect(manifests.map(({ platform }) => platform.architecture)).toEqual(["amd64", "arm64"]);
        for (const [i, entry] of manifests.entries()) {
          const child = await readImage(`${registry.host}/${repository}@${entry.digest}`);
          expect(child.manifest.layers).toEqual(
            [amd64, arm64][i]?.layers.map(({ descriptor }) => descriptor),
          );
          expect(child.manifest.annotations).toEqual({ "org.example": "x" });
          expect(child.config.config).toEqual({ ...execution, User: "web", Labels: { team: "blue" } });
        }
      },
    );

    test("leaves the tag where it was when the registry rejects the index", async () => {
      const before = (await readTop("config/app:1")).digest;
      let manifests = 0;
      proxy.fault = ({ method, path }) => {
        if (method !== "PUT" || !path.includes("/manifests/")) return undefined;
        manifests += 1;
        return manifests > 2 ? { kind: "answer", status: 400 } : undefined;
      };
      const { status, stdout } = await runCli(["config", image, "--user", "web", "--tag", image]);
      expect({ status, stdout }).toEqual({ status: 7, stdout: "" });
      expect(manifests).toBeGreaterThan(2);
      expect((await readTop("config/app:1")).digest).toBe(before);
    });

    test("a platform that is not there is refused, and nothing is written", async () => {
      const result = await runCli([
        ...["config", image, "--user", "web", "--platform", "linux/s390x"],
        ...["--tag", `${proxy.host}/config/never:1`],
      ]);
      await expectRefusal(result, {
        status: 4,
        code: "PLATFORM_NOT_FOUND",
        message: [`image ${image}`, "linux/s390x"],
        hint: "linux/amd64, linux/arm64",
      });
      expect(await tagsOf(registry.url, "config/never")).toEqual([]);
      expect(proxy.exchanges.filter(({ method }) => !["GET", "HEAD"].includes(method))).toEqual([]);
    });

    async function readTop(reference: string): Promise<{ digest: string | null }> {
      const [repository, tag] = reference.split(":");
      const headers = { accept: "application/vnd.oci.image.index.v1+json" };
      const answer = await fetch(`${registry.url}/v2/${repository}/manifests/${tag}`, { headers });
      await answer.text();
      return { digest: answer.headers.get("docker-content-digest") };
    }
  });
}
