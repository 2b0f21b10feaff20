import { appendFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { blobPath } from "../support/blob-path.ts";
import { type MadeBlob, sha256 } from "../support/make-image.ts";
import { makeSigned, pushSigned } from "../support/signed-image.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";
import { cutIntoParts, keepLayout, packLayout } from "./keep-layout.ts";
import { runOracle } from "./run-oracle.ts";
import { type KeptRepository, StandInRegistry } from "./stand-in-registry.ts";

const repository = "team/app";
const app = makeSigned("app");
const top = app.index.top.descriptor.digest;
const child = digestOf(app.index.children[0]);
const attestation = digestOf(app.index.children[2]);
const layer = digestOf(app.index.layers[1]);
const sbom = digestOf(app.referrers[0]?.artifact.top);
const seal = digestOf(app.referrers[1]?.artifact.top);
const scan = digestOf(app.referrers[2]?.artifact.top);

/** What is done to the far side, and the lines that have to say so. */
const planted: readonly [
  name: string,
  plant: (far: KeptRepository) => void,
  found: readonly (string | RegExp)[],
][] = [
  [
    "a changed tag",
    ({ tags }) => tags.set("1", child),
    [`far: ${repository}:1: the tag is ${child}, and has to be ${top}`],
  ],
  [
    "a missing tag",
    ({ tags }) => tags.delete("1"),
    [`far: ${repository}:1: the tag is missing; it is ${top}`],
  ],
  [
    "a missing tag of cosign's",
    ({ tags }) => tags.delete(app.signature.tag),
    [/^far: team\/app:sha256-[0-9a-f]{64}\.sig: the tag is missing/],
  ],
  [
    "a referrer that is not listed",
    (far) => unlist(far, top, sbom),
    [`far: ${repository}: the referrers of ${top} lack ${sbom}`],
  ],
  [
    "a referrer of a referrer that is not listed",
    (far) => unlist(far, sbom, seal),
    [`far: ${repository}: the referrers of ${sbom} lack ${seal}`],
  ],
  [
    "a referrer of a child that is not there",
    ({ manifests }) => manifests.delete(scan),
    [`far: ${repository}: manifest ${scan} is missing`],
  ],
  [
    "a missing child of an index",
    ({ manifests }) => manifests.delete(attestation),
    [`far: ${repository}: manifest ${attestation} is missing`],
  ],
  [
    "an altered manifest",
    ({ manifests }) => {
      const kept = manifests.get(child);
      if (kept !== undefined) kept.bytes = Buffer.concat([kept.bytes, Buffer.from(" ")]);
    },
    [new RegExp(`^far: ${repository}: manifest ${child} has other bytes`)],
  ],
  [
    "a manifest of another type",
    ({ manifests }) => {
      const kept = manifests.get(child);
      if (kept !== undefined) kept.mediaType = "application/vnd.docker.distribution.manifest.v2+json";
    },
    [new RegExp(`^far: ${repository}: manifest ${child} is called application/vnd.docker`)],
  ],
  [
    "an altered byte of a blob",
    ({ blobs }) => blobs.get(layer)?.writeUInt8(1, 4),
    [new RegExp(`^far: ${repository}: blob ${layer} has other bytes`)],
  ],
  ["a missing blob", ({ blobs }) => blobs.delete(layer), [`far: ${repository}: blob ${layer} is missing`]],
];

for (const hasApi of [true, false]) {
  describeWith(["python3"], `the oracle, of registries ${hasApi ? "with" : "without"} the API`, () => {
    const [near, far] = [new StandInRegistry({ hasApi, pageSize: 2 }), new StandInRegistry({ hasApi })];
    let urls: readonly [string, string];
    beforeAll(async () => {
      urls = [await near.start(), await far.start()];
      await pushSigned(app, urls[0], repository, "1", !hasApi);
    });
    afterAll(() => Promise.all([near.stop(), far.stop()]));
    beforeEach(async () => {
      far.repositories.clear();
      await pushSigned(app, urls[1], repository, "1", !hasApi);
    });

    it.each(hasApi ? planted : planted.slice(0, 5))("finds %s, and nothing else", async (_, plant, found) => {
      plant(far.repository(repository));
      const { status, lines } = await runOracle("compare", ...urls);
      expect(status, lines.join("\n")).toBe(1);
      expect(lines.slice(0, -1)).toEqual(
        found.map((line) => (typeof line === "string" ? line : expect.stringMatching(line))),
      );
      expect(lines.at(-1)).toMatch(new RegExp(`^${found.length} differences; 1 repositories compared`));
    });

    it("finds nothing where nothing is planted, whatever else the far side has", async () => {
      const other = makeSigned("other");
      await pushSigned(other, urls[0], "other", "1", !hasApi);
      await pushSigned(other, urls[1], "hub/other", "1", !hasApi);
      await pushSigned(other, urls[1], repository, "2", !hasApi);
      const compare = (...args: string[]) =>
        runOracle("compare", ...urls, "--map", "other=hub/other", ...args);
      expect(await compare()).toEqual({
        status: 0,
        lines: ["equal: 2 repositories, 4 tags, 16 manifests, 22 blobs, 6 referrers"],
        stderr: "",
      });
      far.repository(repository).tags.delete("1");
      expect((await compare("--tag", "other:1")).status).toBe(0);
      expect((await compare("--repository", "other")).status).toBe(0);
      expect((await compare("--tag", `${repository}:1`)).status).toBe(1);
    });
  });
}

describeWith(["python3"], "the oracle, of a registry's answers", () => {
  const judge = async (options: ConstructorParameters<typeof StandInRegistry>[0]) => {
    const registry = new StandInRegistry(options);
    const url = await registry.start();
    await pushSigned(app, url, repository, "1", !options.hasApi);
    const { lines, stderr } = await runOracle("describe", url);
    await registry.stop();
    const described: Described = JSON.parse(lines.join("\n") || "{}");
    return { ...described, stderr };
  };

  it.each([undefined, "ignored"] as const)("takes a filter that is %s", async (filter) => {
    const { problems, repositories } = await judge({ hasApi: true, ...(filter && { filter }) });
    expect(problems).toEqual([]);
    const { tags = {}, manifests = {}, blobs = {} } = repositories[repository] ?? {};
    expect(tags).toEqual({ "1": top, [app.signature.tag]: digestOf(app.signature.artifact.top) });
    expect(Object.keys(manifests).sort()).toEqual([...app.digests].sort());
    expect(manifests[top]).toMatchObject({
      kind: "index",
      children: app.index.children.map(digestOf),
      referrers: { api: [sbom], fallback: null },
      cosign: { [app.signature.tag]: digestOf(app.signature.artifact.top) },
    });
    expect(manifests[sbom]?.referrers).toEqual({ api: [seal], fallback: null });
    expect(blobs[layer]).toBe(app.index.layers[1]?.descriptor.size);
  });

  it("finds a filter that is announced and leaves out what it should let through", async () => {
    const { problems } = await judge({ hasApi: true, filter: "wrong" });
    expect(problems).toHaveLength(3);
    expect(problems[0]).toContain("with artifactType application/vnd.example");
  });

  it("makes no judgement about a registry that fails", async () => {
    const { status, lines, stderr } = await runOracle("describe", "http://127.0.0.1:1");
    expect([status, lines]).toEqual([2, [""]]);
    expect(stderr).toContain("no judgement");
  });
});

describeWith(["python3", "tar"], "the oracle, of layouts and archives", () => {
  const registry = new StandInRegistry({ hasApi: true });
  let url = "";
  let home = "";
  beforeAll(async () => {
    home = await temporaryDirectory("oracle");
    url = await registry.start();
    await pushSigned(app, url, repository, "1", false);
    await keepLayout(registry.repository(repository), repository, at("layout"));
    await packLayout(at("layout"), at("app.tar"));
    await mkdir(at("cut"));
    await cutIntoParts(at("app.tar"), at("cut/app.tar"), 5000);
  });
  afterAll(() => registry.stop());
  const at = (name: string): string => join(home, name);

  it.each(["layout", "app.tar", "cut/app.tar", "cut/app.tar.001"])("finds all in %s", async (name) => {
    const { lines } = await runOracle("compare", url, at(name));
    expect(lines).toEqual(["equal: 1 repositories, 2 tags, 8 manifests, 11 blobs, 3 referrers"]);
    expect((await runOracle("compare", at(name), url)).lines).toEqual(lines);
  });

  it("finds a part with other bytes, and one without a sum", async () => {
    const cut = at("cut/bad.tar");
    await cutIntoParts(at("app.tar"), cut, 10_000);
    const part = await readFile(`${cut}.002`);
    part.writeUInt8(part.readUInt8(9000) ^ 1, 9000);
    await writeFile(`${cut}.002`, part);
    const sums = await readFile(`${cut}.sha256`, "utf8");
    await writeFile(`${cut}.sha256`, sums.replace(/^.*\.001\n/, ""));
    const { status, lines } = await runOracle("compare", url, cut);
    expect(status).toBe(1);
    expect(lines).toContainEqual(expect.stringMatching(/^far: .*\.sha256 does not have bad\.tar\.001$/));
    expect(lines).toContainEqual(expect.stringMatching(/^far: .*bad\.tar\.002 has not the sum/));
  });

  it("finds a referrer without an entry, an altered blob and a tag that is two images", async () => {
    const directory = at("bad");
    await keepLayout(registry.repository(repository), repository, directory);
    await appendFile(blobPath(directory, layer), "x");
    const path = join(directory, "index.json");
    const index: { manifests: { digest: string; annotations: Record<string, string> }[] } = JSON.parse(
      await readFile(path, "utf8"),
    );
    const manifests = index.manifests.filter(({ digest }) => digest !== scan);
    const [first] = manifests;
    await writeFile(
      path,
      JSON.stringify({ ...index, manifests: [...manifests, { ...first, digest: attestation }] }),
    );
    const { lines } = await runOracle("compare", url, directory);
    expect(lines.slice(0, -1)).toEqual([
      expect.stringMatching(new RegExp(`^far: ${repository}: manifest ${attestation} is called`)),
      expect.stringMatching(new RegExp(`^far: ${repository}: blob ${layer} has other bytes`)),
      `far: ${repository}: the referrers of ${child} lack ${scan}`,
      `far: ${repository}:1: index.json has it more than once`,
    ]);
  });

  it("finds what of a delta is missing, and how much is besides", async () => {
    const delta = at("delta");
    await keepLayout(registry.repository(repository), repository, delta);
    const big = Buffer.alloc(3_000_000, "incompressible, let us say");
    const digest = sha256(big);
    await writeFile(blobPath(delta, digest), big);
    const asked = [digest, layer].join(",");
    const { status, lines } = await runOracle("delta", delta, "--expect-blobs", asked);
    expect(lines).toContain(`expected ${digest} ${big.byteLength}`);
    expect(lines).toContain(`besides ${top} ${app.index.top.descriptor.size}`);
    expect(lines.at(-1)).toMatch(/^\d+ bytes in all, \d+ of expected blobs, \d+ besides: 0\.\d+ %$/);
    expect(status).toBe(0);

    await rm(blobPath(delta, layer));
    const less = await runOracle("delta", delta, "--expect-blobs", asked);
    expect(less.lines).toContain(`${layer}: is expected, and is missing`);
    const more = await runOracle("delta", delta, "--expect-blobs", child);
    expect(more.lines.at(-2)).toMatch(/^\d+ bytes besides are more than 1 % of the expected blobs$/);
    expect([less.status, more.status]).toEqual([1, 1]);
  });
});

/** What `describe` prints, as far as it is looked at. */
interface Described {
  readonly problems: readonly string[];
  readonly repositories: Readonly<
    Record<
      string,
      {
        readonly tags?: Readonly<Record<string, string>>;
        readonly manifests?: Readonly<Record<string, { readonly referrers: object }>>;
        readonly blobs?: Readonly<Record<string, number>>;
      }
    >
  >;
}

function digestOf(blob: MadeBlob | undefined): string {
  if (blob === undefined) throw new Error("the signed image has less than the test takes it to have");
  return blob.descriptor.digest;
}

/** Keeps the manifest, and has no listing of referrers name it. */
function unlist(far: KeptRepository, subject: string, referrer: string): void {
  far.unlisted.add(referrer);
  far.tags.delete(subject.replace(":", "-"));
}
