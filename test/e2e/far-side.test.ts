import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { MirroredName } from "../../src/mirror/far-side/mirrored-name.ts";
import { registriesConf } from "../../src/mirror/far-side/registries-conf.ts";
import { run } from "../support/command.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { type MadeImage, makeImage, pushMade } from "../support/make-image.ts";
import { type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.ts";
import type { Registry } from "../support/registry.ts";
import { runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

const imageOf = (content: string): MadeImage =>
  makeImage({ layers: [{ files: [{ path: "name", content }] }] });

/** Two that share a rule, one below them that has its own, and one of another registry. */
const mirrored: readonly (MirroredName & { readonly image: MadeImage })[] = [
  ["docker.io", "library/app", "hub/library/app"],
  ["docker.io", "library/tool", "hub/library/tool"],
  ["docker.io", "library/moved", "elsewhere/moved"],
  ["registry.example:8443", "team/app", "team-app"],
].map(([registry = "", repository = "", target = ""]) => ({
  ...{ registry, repository, target },
  image: imageOf(`${registry}/${repository}`),
}));

describeWith(["cli", "skopeo"], "registries.conf for the far side", () => {
  let registry: Registry;
  let mirror: RecordingProxy;
  let conf: string;

  beforeAll(async () => {
    registry = await startEmbeddedRegistry();
    for (const { image, target } of mirrored) await pushMade(image, registry.url, `${target}:1`);
    mirror = await startRecordingProxy(registry.url);
    conf = join(await temporaryDirectory("far-side"), "registries.conf");
    await writeFile(conf, registriesConf(mirrored, { registry: mirror.host, insecure: true }));
  });
  afterAll(async () => {
    await mirror.stop();
    await registry.stop();
  });

  test.each(mirrored)(
    "has skopeo read $registry/$repository from the mirror, by tag and by digest",
    async (name) => {
      const { digest } = name.image.top.descriptor;
      for (const end of [":1", `@${digest}`]) {
        mirror.forget();
        const image = `docker://${name.registry}/${name.repository}${end}`;
        const raw = await run("skopeo", ["--registries-conf", conf, "inspect", "--raw", image]);
        expect(raw).toEqual(name.image.top.bytes);
        expect(mirror.exchanges.at(-1)?.path).toBe(
          `/v2/${name.target}/manifests/${end.startsWith("@") ? digest : "1"}`,
        );
      }
    },
  );

  test("has this program read from it as well", async () => {
    for (const { image, ...name } of mirrored) {
      const args = ["inspect", `${name.registry}/${name.repository}:1`, "--registries-conf", conf, "--json"];
      const result = await runCli(args);
      expect(result, result.stderr).toMatchObject({ status: 0 });
      expect(result.stdout).toContain(image.top.descriptor.digest);
    }
  });
});
