import { afterAll, beforeAll, expect, test } from "vitest";
import { type ComposeInputs, composeInputs, inputReference, pushInputs } from "../support/compose-images.ts";
import { debianNeeds } from "../support/debian-images.ts";
import { registryKinds } from "../support/registries.ts";
import type { Registry } from "../support/registry.ts";
import { relayered } from "../support/relayer.ts";
import { runCli } from "../support/run-cli.ts";
import { describeWith } from "../support/tools.ts";
import { skopeoCopy, skopeoInspect } from "../support/unpack.ts";

const directories = ["/opt/app-root/src:/srv/app", "/usr/lib/python3.11", "/opt/dataset:/srv/data"];

describeWith([...debianNeeds, "skopeo", "umoci", "cli"], "the same files", () => {
  let inputs: ComposeInputs;
  let otherwiseLayered: string;
  const layers = new Set<string | undefined>();

  beforeAll(async () => {
    inputs = await composeInputs();
    otherwiseLayered = await relayered(inputs.builder);
  });

  for (const kind of registryKinds) {
    describeWith(kind.needs, `with ${kind.name}`, () => {
      let registry: Registry;

      beforeAll(async () => {
        registry = await kind.start();
        await pushInputs(inputs, registry);
        await skopeoCopy(otherwiseLayered, `docker://${inputReference(registry, "relayered")}`);
      });
      afterAll(() => registry.stop());

      const compose = async (builder: string, tag: string, ...more: string[]): Promise<string> => {
        const { status, stdout, stderr } = await runCli([
          "compose",
          "--builder",
          inputReference(registry, builder),
          "--base",
          inputReference(registry, "base"),
          ...directories.flatMap((directory) => ["--directory", directory]),
          "--tag",
          `${registry.host}/team/app:${tag}`,
          ...more,
        ]);
        expect(status, stderr).toBe(0);
        const [, digest = ""] = stdout.trim().split("@");
        expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
        return digest;
      };
      const newLayer = async (digest: string) =>
        (await skopeoInspect(`docker://${registry.host}/team/app@${digest}`)).Layers.at(-1);

      test("composed twice give the same manifest digest, record included", async () => {
        const first = await compose("builder", "first");
        expect(await compose("builder", "second")).toBe(first);
      });

      test("composed by one job in little memory give the same manifest digest", async () => {
        const usual = await compose("builder", "usual");
        expect(await compose("builder", "frugal", "--jobs", "1", "--memory-limit", "1M")).toBe(usual);
      });

      test("in a builder of other layers give the same layer, and without a record the same manifest", async () => {
        const recorded = await compose("builder", "recorded");
        const other = await compose("relayered", "other-recorded");
        expect(await newLayer(other)).toBe(await newLayer(recorded));
        expect(other).not.toBe(recorded);
        const unrecorded = await compose("builder", "unrecorded", "--record", "none");
        expect(await compose("relayered", "other-unrecorded", "--record", "none")).toBe(unrecorded);
        layers.add(await newLayer(unrecorded));
      });
    });
  }

  test("give one layer digest in every registry", () => {
    expect(layers.size).toBeLessThanOrEqual(1);
  });
});
