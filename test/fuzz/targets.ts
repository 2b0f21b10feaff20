import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { threadId } from "node:worker_threads";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { decompress } from "../../src/codec/decompress.ts";
import { formatPlans } from "../../src/frontends/compose-file/format-plans.ts";
import { formatDockerfile } from "../../src/frontends/dockerfile/format-dockerfile.ts";
import { parseComposeFile } from "../../src/frontends/plans.ts";
import { unstoppable } from "../../src/io/call.ts";
import { cleanPath, componentsOf } from "../../src/layers/path.ts";
import { parseWhiteout } from "../../src/layers/whiteout.ts";
import { parseConfig } from "../../src/model/config.ts";
import { descriptorFromJson } from "../../src/model/descriptor.ts";
import { isJsonObject, type JsonObject } from "../../src/model/json.ts";
import { type ArchiveLocation, formatLocation, parseLocation } from "../../src/model/location.ts";
import { encodeJson, encodeManifest, parseManifest } from "../../src/model/manifest.ts";
import { selectPlatform } from "../../src/model/select-platform.ts";
import { deriveConfig } from "../../src/ops/derive-config.ts";
import { parseRecord } from "../../src/ops/parse-record.ts";
import { planFromRecord } from "../../src/ops/recorded-plan.ts";
import { openArchive } from "../../src/store/archive/open-archive.ts";
import { parseChallenges } from "../../src/store/registry/auth/challenge.ts";
import { checkRealm } from "../../src/store/registry/auth/realm.ts";
import type { ByteString } from "../../src/tar/byte-string.ts";
import type { TarMember } from "../../src/tar/member.ts";
import { parsePaxRecords } from "../../src/tar/pax.ts";
import { readTar } from "../../src/tar/reader.ts";
import { inChunks } from "../codec/chunking.ts";
import { compose } from "../layers/support/compose.ts";
import { archiveInput } from "./archive-input.ts";
import { config, descriptor, index, jsonInput, manifest } from "./json-input.ts";
import { layersInput } from "./layers-input.ts";
import { chunkSizes, mutateBytes } from "./mutate.ts";
import { Random } from "./random.ts";
import { recordInput } from "./record-input.ts";
import { tarInput } from "./tar-input.ts";
import { expectHolds, type FuzzTarget, outcomeOf, type Verdict } from "./target.ts";
import { challengeInput, markerInput, paxInput, referenceInput } from "./text-input.ts";

/** All that is fuzzed, by name. */
export const fuzzTargets: readonly FuzzTarget[] = [
  { name: "tar reader", firstCheck: "the headers' checksums", run: runTarReader },
  { name: "whiteouts", firstCheck: "a marker in a clean path", run: runWhiteouts },
  { name: "references", firstCheck: "the whole grammar", run: runReferences },
  ...jsonTarget("manifests", manifest, (bytes) => readManifest(bytes)),
  ...jsonTarget("indexes", index, (bytes) => readManifest(bytes)),
  ...jsonTarget("configurations", config, readConfig),
  ...jsonTarget("descriptors", descriptor, (bytes) => descriptorFromJson(JSON.parse(bytes.toString()), "it")),
  { name: "records", firstCheck: "JSON under every key", run: runRecords },
  { name: "extended headers", firstCheck: "the first record's form", run: runPaxRecords },
  { name: "decompression", firstCheck: "the packed header", run: runDecompression },
  { name: "challenges", firstCheck: "a scheme with a parameter", run: runChallenges },
  { name: "archives", firstCheck: "the archive's own documents", run: runArchives },
  { name: "merged layers", firstCheck: "names and links that can be unpacked", run: runLayers },
];

/** Sparse files may claim any size; so much of a body is looked at. */
const mostOfBody = 1024 * 1024;

async function runTarReader(random: Random): Promise<Verdict> {
  const bytes = tarInput(random);
  const reading = random.below(3);
  const read = () => outcomeOf(() => readArchive(bytes, chunkSizes(random), reading));
  const { outcome, message, result } = await read();
  if (random.percent(25)) {
    const again = await read();
    expectHolds(again.outcome === outcome && again.message === message, "any chunking ends alike");
    expectHolds(again.result === result, "any chunking gives the same entries");
  }
  return { outcome, isPast: !/not a tar archive|checksum is wrong/.test(message) };
}

/** @param reading 0 to read whole bodies, 1 to leave them early, 2 to pass over them. */
async function readArchive(bytes: Buffer, sizes: number[], reading: number): Promise<string> {
  const seen: unknown[] = [];
  for await (const member of readTar(inChunks(bytes, ...sizes), "a layer")) {
    const { xattrs, ...header } = member.header;
    seen.push([header, [...xattrs], member.offset]);
    expectHolds(member.offset < bytes.byteLength, "entries lie in the archive");
    if (reading < 2) await readBody(member, reading === 0 ? mostOfBody : 1);
  }
  return JSON.stringify(seen);
}

async function readBody(member: TarMember, most: number): Promise<void> {
  let size = 0;
  for await (const chunk of member.body()) {
    size += chunk.byteLength;
    if (size >= most) return;
  }
  expectHolds(size === member.header.size, "a body has as many bytes as its header says");
}

async function runWhiteouts(random: Random): Promise<Verdict> {
  const { outcome, result } = await outcomeOf(() => cleanPath(markerInput(random) as ByteString, "a layer"));
  if (result === undefined || !result.includes(".wh.")) return { outcome, isPast: false };
  const parsed = await outcomeOf(() => parseWhiteout(result, "a layer"));
  for (const component of componentsOf(parsed.result?.path ?? result)) {
    expectHolds(!/^(\.{0,2})$/.test(component), "no component leads elsewhere");
  }
  return { outcome: parsed.outcome, isPast: true };
}

async function runReferences(random: Random): Promise<Verdict> {
  const text = referenceInput(random);
  const { outcome, result, message } = await outcomeOf(() => parseLocation(text));
  if (result === undefined) {
    expectHolds(!/u:p@/.test(message), "passwords stay out of messages");
    return { outcome, isPast: false };
  }
  const again = parseLocation(formatLocation(result));
  expectHolds(JSON.stringify(again) === JSON.stringify(result), "what is written is read back");
  return { outcome, isPast: true };
}

function jsonTarget(
  name: string,
  document: JsonObject,
  read: (bytes: Buffer, random: Random) => unknown,
): FuzzTarget[] {
  const run = async (random: Random): Promise<Verdict> => {
    const bytes = jsonInput(random, document);
    const isPast = isObjectText(bytes);
    if (!isPast && name === "descriptors") return { outcome: "not JSON", isPast };
    const { outcome } = await outcomeOf(() => read(bytes, random));
    return { outcome, isPast };
  };
  return [{ name, firstCheck: "JSON of an object", run }];
}

function isObjectText(bytes: Buffer): boolean {
  try {
    return isJsonObject(JSON.parse(bytes.toString("utf8")));
  } catch {
    return false;
  }
}

function readManifest(bytes: Buffer): void {
  const parsed = parseManifest(
    bytes,
    new Random(bytes.byteLength).pick([String(manifest.mediaType), "", "text/plain"]),
    "it",
  );
  if (parsed.kind === "manifest") encodeManifest(parsed);
  else selectPlatform(parsed, { os: "linux", architecture: "amd64", variant: "v3" }, "it");
}

function readConfig(bytes: Buffer): void {
  const parsed = parseConfig(bytes, "it");
  const [diffId] = parsed.diffIds;
  if (diffId === undefined) return;
  const changes = { env: { A: "c" }, labels: { l: "v" }, exposedPorts: ["1/tcp"], workdir: "x" };
  encodeJson(deriveConfig(parsed, changes, { diffId, created: "", createdBy: "", comment: undefined }));
}

async function runRecords(random: Random): Promise<Verdict> {
  const texts = recordInput(random);
  const { outcome, message, result: record } = await outcomeOf(() => parseRecord(texts, "it"));
  if (record === undefined) return { outcome, isPast: outcome !== "accepted" && !message.includes("JSON") };
  const { plan, unnamed } = planFromRecord(
    {
      platform: { os: "linux", architecture: "amd64" },
      record,
      annotations: {},
      historyComment: undefined,
    },
    random.pick(["pinned", "floating"]),
  );
  const names = [...unnamed.values()].map(({ variable }) => variable);
  const targets = [parseLocation("registry.example/app:2")];
  const text = formatPlans(
    [{ ...plan, targets }],
    new Map([...unnamed].map(([origin, { variable }]) => [origin, variable])),
  );
  const variables = Object.fromEntries(names.map((name) => [name, "oci:dir"]));
  const read = await outcomeOf(() => parseComposeFile(text, { variables }));
  await outcomeOf(() => formatDockerfile(plan));
  return { outcome: read.outcome, isPast: true };
}

async function runPaxRecords(random: Random): Promise<Verdict> {
  const body = Buffer.from(paxInput(random), "latin1");
  const isPast = /^[0-9]{1,10} [^=]+=/.test(body.toString("latin1"));
  const { outcome } = await outcomeOf(() => parsePaxRecords(body, { subject: "a layer", offset: 0 }));
  return { outcome, isPast };
}

const contents = [
  "",
  "a",
  "tar ".repeat(100),
  "\0".repeat(5000),
  Buffer.from("0123456789abcdef").toString("base64").repeat(400),
];
const packed = contents.flatMap((content) => [
  gzipSync(content),
  gzipSync(content, { level: 0 }),
  zstdCompressSync(content),
  Buffer.concat([zstdCompressSync(content), Buffer.from("\x50\x2a\x4d\x18\x02\0\0\0ab", "latin1")]),
]);

async function runDecompression(random: Random): Promise<Verdict> {
  let bytes = Buffer.concat(random.several(1, 3, () => random.pick(packed)));
  if (random.percent(85)) bytes = Buffer.from(mutateBytes(random, bytes));
  let size = 0;
  const { outcome } = await outcomeOf(async () => {
    for await (const chunk of decompress(inChunks(bytes, ...chunkSizes(random)), "a layer"))
      size += chunk.byteLength;
  });
  return { outcome, isPast: size > 0 || outcome === "accepted" };
}

async function runChallenges(random: Random): Promise<Verdict> {
  const challenges = parseChallenges(challengeInput(random));
  const found = challenges.find(({ parameters }) => parameters.size > 0);
  const { outcome } = await outcomeOf(() =>
    checkRealm(found?.parameters.get("realm"), new URL("https://registry.example/"), {
      side: "base",
      registry: "registry.example",
      store: "r",
    }),
  );
  return { outcome, isPast: found !== undefined };
}

/** Where archives are put to be read: one after the other in each thread. */
const archivePath = join(tmpdir(), `compose-image-fuzz-${process.pid}-${threadId}.tar`);

async function runArchives(random: Random): Promise<Verdict> {
  const { transport, bytes } = archiveInput(random);
  await writeFile(archivePath, bytes);
  try {
    const { outcome } = await outcomeOf(() => readImage({ transport, file: archivePath }));
    return { outcome, isPast: outcome !== "ARCHIVE_INVALID" };
  } finally {
    await rm(archivePath);
  }
}

/** Reads all that an archive's image has. */
async function readImage(location: ArchiveLocation): Promise<void> {
  const archive = await openArchive(location, "builder", unstoppable);
  try {
    const { bytes, descriptor } = await archive.source.manifest(archive.selector, unstoppable);
    const parsed = parseManifest(bytes, descriptor.mediaType, "it");
    for (const blob of parsed.kind === "index" ? [] : [parsed.config, ...parsed.layers]) {
      for await (const chunk of await archive.source.fetch(blob, unstoppable))
        expectHolds(chunk.byteLength > 0, "chunks have bytes");
    }
  } finally {
    await archive[Symbol.asyncDispose]();
  }
}

async function runLayers(random: Random): Promise<Verdict> {
  const { outcome } = await outcomeOf(async () => {
    const { paths } = await compose({
      builder: layersInput(random),
      ...(random.percent(50) && { base: layersInput(random) }),
      steps: [
        {
          src: random.pick(["/src", "/", "/src/a", "/s*", "/a/b", "/src/*"]),
          dst: random.pick(["/out/", "/out", "/", "/a/b/", "/src/a/"]),
          link: random.percent(20),
          ...(random.percent(30) && { exclude: [random.pick(["a", "**/b", "!src/a", "*"])] }),
        },
      ],
      jobs: 1 + random.below(4),
    });
    for (const path of paths)
      expectHolds(
        !/(^|\/)(\.\.?|\.wh\.[^/]*)?(\/.|$)/.test(path.replace(/\/$/, "")),
        `names are clean: ${path}`,
      );
  });
  return { outcome, isPast: outcome !== "LAYER_INVALID" && outcome !== "PATH_ESCAPES" };
}
