import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scratchConfig } from "../../src/model/config.ts";
import { digestOf } from "../../src/model/digest.ts";
import { ComposeImageError } from "../../src/model/errors.ts";
import { formatLocation, type ImageLocation, parseLocation } from "../../src/model/location.ts";
import { mediaTypes } from "../../src/model/media-types.ts";
import { type ImageRecord, parseRecord } from "../../src/ops/parse-record.ts";
import { baseAnnotations, recordAnnotations } from "../../src/ops/record.ts";
import { planFromRecord, type RecordedReferences } from "../../src/ops/recorded-plan.ts";
import type { ResolvedImage } from "../../src/ops/resolve-image.ts";
import type { PlanImages, ResolvedStage } from "../../src/ops/resolve-plan.ts";
import type { ComposePlan, CopySource, Stage } from "../../src/plan/compose-plan.ts";
import { stagesBelow } from "../../src/plan/stages.ts";
import { anyPlan, comparable } from "../frontends/support/any-plan.ts";

const digest = digestOf(Buffer.from("an image"));
const platform = { os: "linux", architecture: "amd64" };

/** What a registry that has every image would say of the plan's. */
function imagesOf(plan: ComposePlan): PlanImages {
  const known = new Map<string, ResolvedImage>();
  const resolved = (at: ImageLocation): ResolvedImage => {
    const name = formatLocation(at);
    const image = known.get(name) ?? resolvedImage(at, name);
    known.set(name, image);
    return image;
  };
  const builders = new Map<CopySource, ResolvedImage>();
  const stages = new Map<Stage, ResolvedStage>();
  for (const stage of [...stagesBelow(plan), plan]) {
    for (const { from } of stage.copies) {
      if (from.kind === "image") builders.set(from, resolved(from.location));
    }
    if (stage === plan) continue;
    const base = stage.base.kind === "scratch" ? undefined : resolved(stage.base.location);
    const expanded = { copies: [], config: {}, workingDirectory: "/", madeAtEnd: [] };
    stages.set(stage, { name: "a stage", base, expanded });
  }
  const base = plan.base.kind === "scratch" ? undefined : resolved(plan.base.location);
  return { base, builders, directories: new Map(), stages, platform };
}

function resolvedImage(at: ImageLocation, name: string): ResolvedImage {
  return {
    side: "builder",
    location: at,
    name,
    resolved: { mediaType: mediaTypes.oci.index, digest, size: 1 },
    manifest: {
      kind: "manifest",
      mediaType: mediaTypes.oci.manifest,
      config: { mediaType: mediaTypes.oci.config, digest, size: 1 },
      layers: [],
      annotations: {},
    },
    config: scratchConfig(platform),
    platform,
    source: {
      name,
      resolve: () => Promise.reject(new Error("not asked")),
      manifest: () => Promise.reject(new Error("not asked")),
      fetch: () => Promise.reject(new Error("not asked")),
    },
  };
}

function recordOf(plan: ComposePlan): ImageRecord {
  const images = imagesOf(plan);
  const texts = {
    ...baseAnnotations(images.base),
    ...recordAnnotations(plan, images, plan.format ?? "oci"),
  };
  const record = parseRecord(texts, "image it");
  if (record === undefined) throw new Error("no record");
  return record;
}

function explained(
  { annotations, historyComment, ...plan }: ComposePlan,
  references: RecordedReferences,
): ComposePlan {
  const record = recordOf({ annotations, ...plan });
  return planFromRecord({ platform, record, annotations, historyComment }, references).plan;
}

/** What a record holds: no names of this machine, no targets, and nothing that is as it would be anyway. */
function recorded({ targets, record, builderPlatform, format, ...rest }: ComposePlan): unknown {
  const { platforms, appendPlatforms, ...plan } = rest;
  const kept = { ...plan, platform, ...(format === "docker" && { format }) };
  return JSON.parse(
    JSON.stringify(comparable(kept), (key, value) => {
      if (key === "location" && value.transport !== "registry") return { transport: "oci", directory: "" };
      if (key === "directory") return "";
      if (key === "ignoreFiles") return undefined;
      if (key === "tag" && !/^[0-9]+$/.test(value)) return undefined;
      if (key === "digest") return digest;
      if (key !== "workdir" || !Array.isArray(value)) return value;
      return value.length > 1 ? value : value[0];
    }),
  );
}

describe("the record of an image", () => {
  it("holds the plan it was made from, whatever is in it", () => {
    fc.assert(
      fc.property(anyPlan, (plan) => {
        expect(recorded(explained(plan, "floating"))).toEqual(recorded(plan));
      }),
      { numRuns: 300 },
    );
  });

  it("names images by tag or by digest, and pins them by both", () => {
    const pinned = `r.example/a:1@${digest}`;
    const plan = (name: string): ComposePlan => ({
      base: { kind: "image", location: parseLocation(name) },
      copies: [
        {
          from: { kind: "image", location: parseLocation(name) },
          sources: ["/a"],
          destination: "/a",
          exclude: [],
          link: false,
        },
      ],
      config: {},
      annotations: {},
      targets: [],
      compression: { algorithm: "gzip", level: 6 },
      record: "annotations",
    });
    const basesOf = (name: string) =>
      (["floating", "pinned"] as const).map((references) => {
        const { base } = explained(plan(name), references);
        return base.kind === "scratch" ? "scratch" : formatLocation(base.location);
      });
    expect(basesOf("r.example/a:1")).toEqual(["r.example/a:1", pinned]);
    expect(basesOf(pinned)).toEqual(["r.example/a:1", pinned]);
    expect(basesOf(`r.example/a@${digest}`)).toEqual([`r.example/a@${digest}`, `r.example/a@${digest}`]);
    expect(recordOf(plan(pinned))).toEqual(recordOf(plan("r.example/a:1")));
  });

  const key = (part: string): string => `io.github.compose-image.${part}`;
  const whole = {
    [key("builders")]: `[{"reference":"r.example/a:1","digest":"${digest}"},{"local":true}]`,
    [key("copy")]: '[{"from":0,"src":["/a"],"dst":"/b"}]',
  };

  it("is absent where there is none", () => {
    expect(parseRecord({}, "it")).toBeUndefined();
    expect(parseRecord({ "org.example": "x" }, "it")).toBeUndefined();
    expect(parseRecord(whole, "it")).toMatchObject({ base: undefined, stages: [], config: {} });
    expect(() => parseRecord({ [key("copy")]: "[]" }, "it")).toThrow("its record is not whole");
  });

  it.each<[what: string, texts: Record<string, string>, message: string]>([
    ["no JSON", { [key("copy")]: "[" }, "copy: not JSON"],
    ["JSON of something else", { [key("copy")]: "{}" }, "copy is not a list"],
    ["nesting beyond reason", { [key("copy")]: "[".repeat(600) }, "nested deeper"],
    ["a text beyond reason", { [key("config")]: `"${"x".repeat(2 ** 20)}"` }, "longer than"],
    ["a builder without digest", { [key("builders")]: '[{"reference":"a"}]' }, "builders[0] has no digest"],
    ["no digest", { [key("builders")]: '[{"digest":"sha256:x"}]' }, "builders[0]: digest"],
    ["no reference", { [key("builders")]: `[{"reference":"A B","digest":"${digest}"}]` }, "reference"],
    [
      "a directory with a path",
      { [key("builders")]: '[{"local":true,"path":"/home"}]' },
      '"path", which is not',
    ],
    [
      "a position out of range",
      { [key("copy")]: '[{"from":2,"src":["/a"],"dst":"/b"}]' },
      "not among the builders",
    ],
    ["a negative position", { [key("copy")]: '[{"from":-1,"src":["/a"],"dst":"/b"}]' }, "not a whole number"],
    [
      "a stage that is not there",
      { [key("copy")]: '[{"stage":0,"src":["/a"],"dst":"/b"}]' },
      "not among the",
    ],
    ["both", { [key("copy")]: '[{"from":0,"stage":0,"src":["/a"],"dst":"/b"}]' }, "copy[0] lacks from"],
    [
      "a stage that copies from itself",
      { [key("stages")]: '[{"copy":[{"stage":0,"src":["/a"],"dst":"/b"}]}]' },
      "stages[0] copies from what is not among",
    ],
    ["a stage on a directory", { [key("stages")]: '[{"base":1,"copy":[]}]' }, "stages[0] is made on"],
    ["a key of later versions", { [key("options")]: '{"sign":true}' }, '"sign", which is not known'],
    [
      "a key that objects have",
      { [key("config")]: '{"__proto__":{"env":{}}}' },
      '"__proto__", which is not known',
    ],
    ["a source outside", { [key("copy")]: '[{"from":0,"src":["/../a"],"dst":"/b"}]' }, "outside the image"],
    ["no source", { [key("copy")]: '[{"from":0,"src":[],"dst":"/b"}]' }, "lacks from, src or dst"],
    ["several into one", { [key("copy")]: '[{"from":0,"src":["/a","/b"],"dst":"/b"}]' }, "several sources"],
    ["no mode", { [key("copy")]: '[{"from":0,"src":["/a"],"dst":"/b","chmod":"99999"}]' }, "chmod"],
    ["no owner", { [key("copy")]: '[{"from":0,"src":["/a"],"dst":"/b","chown":"a b"}]' }, "chown"],
    [
      "link that is false",
      { [key("copy")]: '[{"from":0,"src":["/a"],"dst":"/b","link":false}]' },
      "link is not true",
    ],
    ["no port", { [key("config")]: '{"exposedPorts":["80"]}' }, "exposedPorts[0] is not a port"],
    ["variables that are numbers", { [key("config")]: '{"env":{"A":1}}' }, 'env: "A" is not a text'],
    ["a healthcheck without a test", { [key("config")]: '{"healthcheck":{"Interval":1}}' }, "has no Test"],
    ["a template of nothing", { [key("config")]: '{"user":{"parts":{}}}' }, "user is not a list"],
    [
      "no variable",
      { [key("config")]: '{"user":{"parts":[{"variable":"}"}]}}' },
      "user[0] is not a variable",
    ],
    [
      "no modifier",
      { [key("config")]: '{"user":{"parts":[{"variable":"A","modifier":{"operator":"^"}}]}}' },
      "operator",
    ],
    ["no compression", { [key("options")]: '{"compression":"zip"}' }, "compression"],
    ["no time", { [key("options")]: '{"sourceDateEpoch":1e15}' }, "sourceDateEpoch"],
    ["a base without digest", { "org.opencontainers.image.base.name": "a" }, "base.digest is not a text"],
  ])("is refused when it has %s", (_, texts, message) => {
    const read = () => parseRecord({ ...whole, ...texts }, "image it");
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ name: ComposeImageError.name, code: "RECORD_INVALID" }));
  });
});
