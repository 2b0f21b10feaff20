import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Container, Volume } from "kubernetes-types/core/v1.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inShard } from "../../src/plan/shard.ts";
import { attempt } from "../support/command.ts";
import { registryAccount, startDockerRegistry } from "../support/docker-registry.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { exampleCommands, objectOf } from "../support/kubernetes-page.ts";
import { makeImage, pushMade } from "../support/make-image.ts";
import { readImage } from "../support/read-image.ts";
import type { Registry } from "../support/registry.ts";
import { type CliResult, cliPath, isolatedEnvironment, runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

/** What goes with a container beyond what is on the page. */
interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  /** Further arguments. */
  readonly args?: readonly string[];
  /** Further files of the ConfigMap. */
  readonly files?: Readonly<Record<string, string>>;
  /** The directory that is claimed. */
  readonly claim?: string;
}

/** What the page's ConfigMap means of the near registry. */
const mirrored = ["app:1.0", "app:1.1", "node-runtime:22.1", "node-runtime:24"];

describeWith(["cli", "docker-registry"], "the containers of docs/kubernetes.md", () => {
  let near: Registry;
  let far: Registry;

  beforeAll(async () => {
    [near, far] = await Promise.all([startEmbeddedRegistry(), startDockerRegistry({ authenticated: true })]);
    for (const name of [...mirrored, "app:2.0", "node-runtime:21.0"]) {
      const image = makeImage({ layers: [{ files: [{ path: "name", content: name }] }] });
      await pushMade(image, near.url, name);
    }
  });
  afterAll(async () => {
    for (const registry of [near, far]) await registry.stop();
  });

  test("of the CronJob write an archive in parts, and a lock that the Job's take", async () => {
    const pod = objectOf("CronJob").spec?.jobTemplate.spec?.template.spec;
    const claim = await temporaryDirectory("claim");
    const result = await runContainer(pod?.containers[0], pod?.volumes, { claim });
    expect((await readdir(claim)).sort()).toEqual([
      ...["images.tar.001", "images.tar.sha256", "mirror.lock.json"],
    ]);
    expect(result.stdout.trim().split("\n")).toHaveLength(mirrored.length);
    const lock = await readFile(join(claim, "mirror.lock.json"), "utf8");
    const files = { "mirror.lock.json": lock };
    expect(await runJob({ args: ["--locked"], files })).toEqual(await runJob({}));
  });

  test("of the Job bring the share of their index", async () => {
    const share = objectOf("Job").spec?.template.spec?.containers[0]?.args?.find((argument) =>
      argument.startsWith("auto/"),
    );
    expect(share).toBe(`auto/${objectOf("Job").spec?.completions}`);
    const images = await runJob({});
    expect(images).toContain("node-runtime:24");
    expect(images.length).toBeLessThan(mirrored.length);
  });

  test("of the Task bring all that the Pipeline's shares come to", async () => {
    const { spec } = objectOf("Task");
    const [pipelined] = objectOf("Pipeline").spec.tasks;
    const shares = pipelined?.matrix?.params.find(({ name }) => name === "shard")?.value ?? [];
    const [source, registries] = [await temporaryDirectory("source"), await temporaryDirectory("registries")];
    await writeFile(join(source, "mirror.yaml"), here(objectOf("ConfigMap").data?.["mirror.yaml"] ?? ""));
    await writeFile(join(registries, ".dockerconfigjson"), credentials());
    const values: Record<string, string> = {
      ...Object.fromEntries((spec.params ?? []).map((param) => [`params.${param.name}`, `${param.default}`])),
      "params.destination": `${far.host}/tekton`,
      "workspaces.source.path": source,
      "workspaces.registries.path": registries,
    };
    const results = await Promise.all(
      [...shares].map((shard) => {
        const known: Record<string, string> = { ...values, "params.shard": shard };
        const args = (spec.steps[0]?.args ?? []).map((argument) =>
          argument.replaceAll(/\$\(([\w.]+)\)/g, (whole, name: string) => known[name] ?? whole),
        );
        return runInReadOnly(args, {});
      }),
    );
    expect(results.flatMap((result) => imagesOf(result, "tekton/")).sort()).toEqual(mirrored);
    expect(spec.workspaces?.map(({ name }) => name)).toEqual(pipelined?.workspaces?.map(({ name }) => name));
  });

  test("are of an image that is made as the page says", async () => {
    const home = await temporaryDirectory("tool");
    const installed = "tool/node_modules/compose-image/dist/cli/main.js";
    await mkdir(dirname(join(home, installed)), { recursive: true });
    await writeFile(join(home, installed), "main()");
    const [script = ""] = exampleCommands;
    const [install, ...compose] = script.split("\n");
    expect(install).toMatch(/^npm install --prefix tool /);
    const run = `compose-image() { "${process.execPath}" "${cliPath}" "$@"; }\n${here(compose.join("\n"))}`;
    const { status, stderr } = await attempt("bash", ["-euc", run], {
      cwd: home,
      env: isolatedEnvironment(home, home),
    });
    expect(status, stderr).toBe(0);
    const { config, top } = await readImage(`${near.host}/tools/compose-image:1`);
    expect(config.config).toMatchObject({
      User: "1001",
      Entrypoint: ["node", "/opt/node_modules/compose-image/dist/cli/main.js"],
    });
    expect([...top.entries.keys()]).toContain("opt/node_modules/compose-image/dist/cli/main.js");
  });

  /** Runs the one of the Job's containers that has `node-runtime:24` in its share, and gives the images. */
  async function runJob(given: Surroundings): Promise<readonly string[]> {
    const { template, completions: count = 0 } = objectOf("Job").spec ?? { template: {} };
    const index = Array.from({ length: count }, (_, i) => i + 1).findIndex((number) =>
      inShard({ target: "node-runtime", tag: "24" }, { number, count }),
    );
    const env = { JOB_COMPLETION_INDEX: `${index}` };
    const result = await runContainer(template.spec?.containers[0], template.spec?.volumes, {
      ...given,
      env,
    });
    return imagesOf(result, "inside/");
  }

  /** Runs a container's command with its volumes and environment, and expects read-only ones to stay as they are. */
  async function runContainer(
    container: Container | undefined,
    volumes: readonly Volume[] = [],
    { args = [], files = {}, claim, env = {} }: Surroundings = {},
  ): Promise<CliResult> {
    const paths = new Map<string, string>();
    const fixed: string[] = [];
    for (const { name, mountPath, readOnly = false } of container?.volumeMounts ?? []) {
      const volume = volumes.find((each) => each.name === name);
      if (volume === undefined) throw new Error(`there is no volume ${name}`);
      if (mountPath === "/tmp") continue;
      const isClaimed = claim !== undefined && volume.persistentVolumeClaim !== undefined;
      const directory = isClaimed ? claim : await filled(volume, files);
      paths.set(mountPath, directory);
      if (readOnly) fixed.push(directory);
    }
    const before = await Promise.all(fixed.map((directory) => readdir(directory)));
    const placed = (text: string): string =>
      [...paths].reduce((done, [path, directory]) => done.replaceAll(path, directory), here(text));
    const own = (container?.env ?? []).map(({ name, value = "" }) => [name, placed(value)]);
    const result = await runInReadOnly([...(container?.args ?? []).map(placed), ...args], {
      ...Object.fromEntries(own),
      ...env,
    });
    expect(await Promise.all(fixed.map((directory) => readdir(directory)))).toEqual(before);
    return result;
  }

  /** A volume's content, from the objects on the page. */
  async function filled(
    { name, configMap, secret }: Volume,
    files: Readonly<Record<string, string>>,
  ): Promise<string> {
    const directory = await temporaryDirectory("volume");
    if (configMap !== undefined) {
      expect(configMap.name).toBe(objectOf("ConfigMap").metadata?.name);
      for (const [file, text] of Object.entries({ ...objectOf("ConfigMap").data, ...files })) {
        await writeFile(join(directory, file), here(text));
      }
    } else if (secret !== undefined) {
      expect(secret.secretName).toBe(objectOf("Secret").metadata?.name);
      for (const { key, path } of secret.items ?? []) {
        expect(Object.keys(objectOf("Secret").stringData ?? {})).toContain(key);
        await writeFile(join(directory, path), credentials());
      }
    } else throw new Error(`volume ${name} is not known`);
    return directory;
  }

  /** The Secret's document with what lets in, in the place of what does not. */
  function credentials(): string {
    const text = here(objectOf("Secret").stringData?.[".dockerconfigjson"] ?? "");
    const { username, password } = registryAccount;
    return text.replaceAll("…", Buffer.from(`${username}:${password}`).toString("base64"));
  }

  /** Runs the command, and expects nothing to be left in its home and temporary directory. */
  async function runInReadOnly(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<CliResult> {
    const result = await runCli(args, { env });
    expect(result.status, `${args.join(" ")}: ${result.stderr}`).toBe(0);
    expect([await readdir(result.home), await readdir(result.temporary)]).toEqual([[], []]);
    return result;
  }

  function here(text: string): string {
    return text.replaceAll("registry.example", near.host).replaceAll("mirror.example", far.host);
  }

  function imagesOf({ stdout }: CliResult, prefix: string): string[] {
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.slice(`${far.host}/${prefix}`.length, line.indexOf("@")));
  }
});
