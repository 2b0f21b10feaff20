import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { unfinishedUploads } from "../support/compose-scene.ts";
import { registryAccount, startDockerRegistry } from "../support/docker-registry.ts";
import { errorAnswer, every } from "../support/fault-scene.ts";
import { makeImage, pushMade } from "../support/make-image.ts";
import { type Exchange, type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.ts";
import { type RegistryKind, registryKinds } from "../support/registries.ts";
import type { Registry } from "../support/registry.ts";
import { type CliOptions, runCli } from "../support/run-cli.ts";
import { describeWith } from "../support/tools.ts";

interface Document {
  readonly registry: string;
  readonly repository: string | null;
  readonly usable: boolean;
  readonly findings: readonly {
    readonly probe: string;
    readonly outcome: string;
    readonly saw: string;
    readonly instead?: string;
  }[];
  readonly left: readonly string[];
  readonly failure?: { readonly code: string };
}

const all = [
  ...["ping", "login", "pull", "upload", "head", "ranges", "chunks", "resume", "mount"],
  ...["oci", "docker", "zstd", "referrers", "delete"],
];

async function examine(name: string, args: readonly string[] = [], options: CliOptions = {}) {
  const result = await runCli(["doctor", name, "--json", "--retries", "0", ...args], options);
  const document: Document = JSON.parse(result.stdout || "{}");
  const outcomes = Object.fromEntries(document.findings.map(({ probe, outcome }) => [probe, outcome]));
  const finding = (probe: string) => document.findings.find((one) => one.probe === probe);
  return { result, document, outcomes, finding };
}

const image = makeImage({ layers: [{ files: [{ path: "a", content: "a" }] }] });

/** What is no by nature of the server. */
const lacks: Readonly<Record<string, readonly string[]>> = {
  "docker-registry": ["referrers"],
  "the embedded registry": [],
};

function examineKind(kind: RegistryKind): void {
  describeWith(["cli", ...kind.needs], `doctor, with ${kind.name}`, () => {
    let registry: Registry;
    let proxy: RecordingProxy;
    beforeAll(async () => {
      registry = await kind.start();
      proxy = await startRecordingProxy(registry.url);
      await pushMade(image, registry.url, "team/app:1");
    });
    beforeEach(() => {
      proxy.fault = undefined;
      proxy.forget();
    });
    afterAll(async () => {
      await proxy.stop();
      await registry.stop();
    });

    test("finds all there is, and leaves nothing behind", async () => {
      const { result, document, outcomes } = await examine(`${registry.host}/team/app`);
      expect(result.status, result.stderr).toBe(0);
      const lacking = lacks[kind.name] ?? [];
      const expected = all.map((probe) => [probe, lacking.includes(probe) ? "no" : "yes"]);
      expect(outcomes).toEqual(Object.fromEntries(expected));
      expect(document).toMatchObject({
        registry: registry.host,
        repository: "team/app",
        usable: true,
        left: [],
      });
      expect(await unfinishedUploads(registry)).toEqual([]);
      const tags = await fetch(`${registry.url}/v2/team/app/tags/list`);
      expect(await tags.json()).toMatchObject({ tags: ["1"] });
    });

    test("prints a line for each, and what is done instead", async () => {
      proxy.fault = every(({ path }) => path.includes("/referrers/"), { kind: "answer", status: 404 });
      const { status, stdout, stderr } = await runCli(["doctor", `${proxy.host}/team/app`, "--quiet"]);
      expect([status, stderr]).toEqual([0, ""]);
      expect(stdout).toContain("ping       yes  http://");
      expect(stdout).toContain(
        "referrers  no   answers 404\n                instead: compose does without\n",
      );
    });

    test("without a repository asks only the registry itself, and says so", async () => {
      const { status, stdout } = await runCli(["doctor", proxy.host]);
      expect(status).toBe(0);
      expect(stdout).toContain(`compose-image doctor ${proxy.host}/REPOSITORY`);
      expect(new Set(proxy.exchanges.map(({ path }) => path))).toEqual(new Set(["/v2/"]));
    });

    test("finds what a registry lacks, and lists what stays there", async () => {
      proxy.fault = ({ method, path, query, range }: Exchange) => {
        if (method === "DELETE" || method === "PATCH") return { kind: "answer", status: 405 };
        if (query.has("mount")) return { kind: "alter", path: (text) => text.replace(/\?.*/, "") };
        if (method === "HEAD") return { kind: "alter", headers: { "docker-content-digest": undefined } };
        if (range !== undefined) return { kind: "alter", request: { range: undefined } };
        return path.includes("/referrers/") ? { kind: "answer", status: 404 } : undefined;
      };
      const { result, document, outcomes, finding } = await examine(`${proxy.host}/team/lacking`);
      expect(result.status, result.stderr).toBe(0);
      const missing = all.filter((probe) => outcomes[probe] === "no");
      expect(missing).toEqual(["ranges", "chunks", "mount", "referrers", "delete"]);
      expect([finding("head")?.saw, outcomes.resume]).toEqual(["no digest", "unknown"]);
      expect(finding("ranges")?.instead).toContain("begins again");
      expect(document.left).toHaveLength(5);
      for (const path of document.left) {
        const headers = { accept: "*/*, application/vnd.oci.image.manifest.v1+json" };
        expect((await fetch(`${registry.url}${path}`, { method: "HEAD", headers })).status).toBe(200);
      }
    });

    test("says which formats are refused, and fails when none is taken", async () => {
      const isManifest = ({ method, path }: Exchange): boolean =>
        method === "PUT" && path.includes("/manifests/");
      const refused = errorAnswer(400, "MANIFEST_INVALID", "not this kind");
      proxy.fault = (exchange) =>
        isManifest(exchange) && exchange.requestHeaders["content-type"]?.includes("oci")
          ? refused
          : undefined;
      const docker = await examine(`${proxy.host}/team/formats`);
      expect(docker.result.status, docker.result.stderr).toBe(0);
      expect(docker.outcomes).toMatchObject({ oci: "no", docker: "yes", zstd: "no" });
      expect(docker.finding("oci")?.instead).toContain("--format docker");
      proxy.fault = every(isManifest, refused);
      const none = await examine(`${proxy.host}/team/formats`);
      expect(none.result.status).toBe(7);
      expect(none.document).toMatchObject({
        usable: false,
        left: [],
        failure: { code: "REGISTRY_REJECTED" },
      });
    });

    test("that is interrupted removes what it wrote", async () => {
      const isPatch = ({ method }: Exchange): boolean => method === "PATCH";
      proxy.fault = every(isPatch, { kind: "hold", until: new Promise(() => {}) });
      const result = await runCli(["doctor", `${proxy.host}/team/interrupted`], {
        interrupt: { when: proxy.seen(isPatch) },
      });
      expect(result.status, result.stderr).toBe(130);
      const uploads = await unfinishedUploads(registry);
      expect(uploads.filter((path) => !path.includes("team/lacking"))).toEqual([]);
      const deleted = proxy.exchanges.filter(({ method }) => method === "DELETE");
      expect(deleted.map(({ status }) => status).toSorted()).toEqual([202, 204]);
    });

    test("a login that is not enough for pushing is exit 3, and reading is tried all the same", async () => {
      proxy.fault = every(({ method }) => method === "POST", errorAnswer(403, "DENIED", "only pulling"));
      const { result, outcomes, finding } = await examine(`${proxy.host}/team/app`);
      expect(result.status).toBe(3);
      expect(result.stderr).toMatch(
        /^compose-image: registry .*\/team\/app: upload: .*403 DENIED only pulling/m,
      );
      expect(outcomes).toMatchObject({
        pull: "yes",
        upload: "no",
        head: "yes",
        ranges: "yes",
        chunks: "unknown",
      });
      expect(finding("upload")?.instead).toBe("nothing can be pushed here");
    });

    test("a registry that is not there is exit 5", async () => {
      proxy.fault = () => ({ kind: "reset" });
      const { result, document, outcomes } = await examine(`${proxy.host}/team/app`);
      expect(result.status).toBe(5);
      expect(outcomes).toMatchObject({ ping: "no", upload: "unknown" });
      expect(document).toMatchObject({ usable: false, failure: { code: "NETWORK" } });
    });
  });
}

for (const kind of registryKinds) examineKind(kind);

describeWith(["cli", "docker-registry"], "doctor, with a docker-registry", () => {
  test("that is read-only fails as a rejection, and still reads", async () => {
    const open = await startDockerRegistry();
    await pushMade(image, open.url, "team/app:1");
    const registry = await startDockerRegistry({ readOnly: true, directory: open.directory });
    const { result, outcomes } = await examine(`${registry.host}/team/app`);
    expect(result.status, result.stderr).toBe(7);
    expect(outcomes).toMatchObject({ pull: "yes", upload: "no", head: "yes", ranges: "yes", oci: "unknown" });
    await registry.stop();
    await open.stop();
  });

  test("that does not delete says what stays", async () => {
    const registry = await startDockerRegistry({ deletes: false });
    const { result, document, outcomes } = await examine(`${registry.host}/team/app`);
    expect([result.status, outcomes.delete]).toEqual([0, "no"]);
    expect(document.left).toHaveLength(6);
    expect(await readdir(registry.directory)).not.toEqual([]);
    await registry.stop();
  });

  test("that wants a login is exit 3 without one, and examined with one", async () => {
    const registry = await startDockerRegistry({ authenticated: true });
    const refused = await examine(`${registry.host}/team/app`);
    expect(refused.result.status).toBe(3);
    expect(refused.finding("login")?.saw).toBe("asks for basic");
    expect(refused.outcomes).toMatchObject({ ping: "yes", pull: "no", upload: "no" });
    const auths = { [registry.host]: registryAccount };
    const env = { DOCKER_AUTH_CONFIG: JSON.stringify({ auths }) };
    const loggedIn = await examine(`${registry.host}/team/app`, [], { env });
    expect(loggedIn.result.status, loggedIn.result.stderr).toBe(0);
    expect(loggedIn.outcomes).toMatchObject({ upload: "yes", delete: "yes" });
    expect(loggedIn.result.stdout + loggedIn.result.stderr).not.toContain(registryAccount.password);
    await registry.stop();
  });
});

describe("doctor", () => {
  test.each(["registry.example/team/app:1", "not a name", "https://"])("does not take %s", async (name) => {
    const { status, stderr } = await runCli(["doctor", name]);
    expect(status).toBe(2);
    expect(stderr).toContain("[REFERENCE_INVALID]");
  });
});
