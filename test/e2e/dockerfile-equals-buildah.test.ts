import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Buildah, createBuildah } from "../support/buildah.ts";
import {
  caseName,
  composeCase,
  type DockerfileCase,
  type DockerfileInputs,
  dockerfileInputs,
  readDockerfileCases,
} from "../support/dockerfile-cases.ts";
import { diffFlatImages, type FlatImage, flatImage } from "../support/flat-image.ts";
import { formatImageDifferences, type ImageDifference } from "../support/image-diff.ts";
import { explain, listedFor, readPeerRows } from "../support/peers.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

const storeCount = 4;
const rows = await readPeerRows("buildah");
const cases = (await readDockerfileCases()).filter(({ notWithBuildah }) => notWithBuildah === undefined);

describeWith(["buildah", "skopeo", "root"], "a Dockerfile and buildah", () => {
  let inputs: DockerfileInputs;
  /** One after the other in each store, which buildah locks while it waits for the next second. */
  const answers: Promise<FlatImage | string>[] = [];

  beforeAll(async () => {
    inputs = await dockerfileInputs();
    const stores = await Promise.all(Array.from({ length: storeCount }, storeWithImages));
    for (const [i, each] of cases.entries()) {
      const buildah = stores[i % storeCount];
      if (buildah === undefined) throw new Error("no store");
      const before = Promise.resolve(answers[i - storeCount]).catch(() => undefined);
      answers.push(before.then(() => buildWithBuildah(buildah, each)));
    }
  });

  afterAll(() => Promise.allSettled(answers));

  async function storeWithImages(): Promise<Buildah> {
    const buildah = await createBuildah();
    for (const [name, image] of Object.entries(inputs.images)) await buildah.pull(image, name);
    return buildah;
  }

  async function buildWithBuildah(buildah: Buildah, request: DockerfileCase) {
    const { file, args = {}, target, contexts = [] } = request;
    const directory = await temporaryDirectory("buildah-image");
    const result = await buildah.attempt({
      dockerfile: file,
      context: inputs.context,
      name: `dir:${directory}`,
      options: [
        "--format=docker",
        ...Object.entries(args).map(([name, value]) => `--build-arg=${name}=${value}`),
        ...(target === undefined ? [] : [`--target=${target}`]),
        ...contexts.map((each) => `--build-context=${each.replace("=./", `=${inputs.context}/`)}`),
      ],
    });
    if (result.status !== 0) return result.stderr.trim().split("\n").at(-1) ?? "";
    const manifest = JSON.parse(await readFile(join(directory, "manifest.json"), "utf8"));
    return flatImage(manifest, (digest) => join(directory, digest.slice("sha256:".length)));
  }

  test("are compared in at least 60 cases", () => {
    expect(cases.length).toBeGreaterThanOrEqual(60);
  });

  test.each(cases.map((each, i) => ({ each, i, name: caseName(each) })))(
    "make the same image, but for what peers.yaml lists: $name",
    async ({ each, i, name }) => {
      const ours = await composeCase(each, inputs, `case-${i}`);
      const theirs = (await answers[i]) ?? "";
      const differences: ImageDifference[] =
        typeof theirs === "string"
          ? [
              {
                path: ".",
                attribute: "outcome",
                type: undefined,
                theirs: `refused: ${theirs}`,
                ours: "an image",
              },
            ]
          : diffFlatImages(theirs, ours);
      const { unlisted, occurred } = explain(name, differences, rows, 0n);
      expect(formatImageDifferences(unlisted)).toBe("");
      expect(occurred).toEqual(listedFor(name, rows));
    },
  );
});
