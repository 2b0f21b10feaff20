import { afterAll, beforeAll, expect, test } from "vitest";
import { type Buildah, createBuildah } from "../support/buildah.ts";
import { type ComposeInputs, composeInputs, pushInputs } from "../support/compose-images.ts";
import {
  type CliOutcome,
  composeWithBuildah,
  composeWithCli,
  type PeerOutcome,
} from "../support/copy-peers.ts";
import { debianNeeds } from "../support/debian-images.ts";
import { diffOutcomes, formatImageDifferences } from "../support/image-diff.ts";
import { explain, listedFor, readPeerRows } from "../support/peers.ts";
import { registryKinds } from "../support/registries.ts";
import type { Registry } from "../support/registry.ts";
import { describeWith } from "../support/tools.ts";
import { readTree, subtree, type Tree } from "../support/tree.ts";
import { diffTrees, formatDifferences } from "../support/tree-diff.ts";
import { skopeoInspect, unpack } from "../support/unpack.ts";
import { copyCases } from "./copy-cases.ts";

const rows = await readPeerRows("buildah");

describeWith([...debianNeeds, "skopeo", "umoci", "getfattr", "cli"], "compose and buildah", () => {
  let inputs: ComposeInputs;
  let buildah: Buildah;
  const builders = new Map<string, Tree>();
  const answers = new Map<string, Promise<PeerOutcome>>();

  beforeAll(async () => {
    inputs = await composeInputs();
    buildah = await createBuildah();
    for (const [name, image] of Object.entries(inputs)) await buildah.pull(image, name);
    for (const name of ["builder", "precise"] as const) {
      builders.set(name, await readTree(await unpack(inputs[name])));
    }
  });

  for (const kind of registryKinds) {
    describeWith(kind.needs, `with ${kind.name}`, () => {
      let registry: Registry;

      beforeAll(async () => {
        registry = await kind.start();
        await pushInputs(inputs, registry);
      });
      afterAll(() => registry.stop());

      for (const [number, request] of copyCases.entries()) {
        test(`make the same image, but for what peers.yaml lists: ${request.name}`, async () => {
          const answer = answers.get(request.name) ?? composeWithBuildah(buildah, request);
          answers.set(request.name, answer);
          const { outcome: theirs, started } = await answer;
          const ours: CliOutcome = await composeWithCli(registry, request, `case-${number}`);

          const said = ours.outcome.kind === "refused" ? ours.outcome.message : "";
          expect(ours.status, said).toBe(request.status ?? 0);

          const { unlisted, occurred } = explain(
            request.name,
            diffOutcomes(theirs, ours.outcome),
            rows,
            started,
          );
          expect(formatImageDifferences(unlisted)).toBe("");
          expect(occurred).toEqual(listedFor(request.name, rows));

          if (ours.outcome.kind === "refused") return;
          expect(ours.pinned).toBe(
            `${registry.host}/fixture/composed@${(await skopeoInspect(`docker://${registry.host}/fixture/composed:case-${number}`)).Digest}`,
          );
          const { tree } = ours.outcome;
          expect((request.absent ?? []).filter((path) => tree.has(path))).toEqual([]);
          const builder = builders.get(request.builder ?? "builder") ?? new Map();
          for (const { from, to } of request.copied ?? []) {
            const wanted = subtree(builder, from);
            expect(wanted.size, `/${from}`).toBeGreaterThan(0);
            const differences = diffTrees(wanted, subtree(tree, to));
            const besideTheTop = differences.filter(
              ({ path, attribute }) => path !== "." || !["mode", "owner", "xattrs"].includes(attribute),
            );
            expect(formatDifferences(besideTheTop), `/${to}`).toBe("");
          }
        });
      }
    });
  }
});
