import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { attempt } from "../support/command.ts";
import { type ComposeScene, composeScene } from "../support/compose-scene.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { layoutMembers } from "../support/make-archive.ts";
import { makeImage, makeIndex, pushMade, tarOf } from "../support/make-image.ts";
import { readImage } from "../support/read-image.ts";
import { cliPath, isolatedEnvironment, runCli } from "../support/run-cli.ts";
import { expectNoSecrets, secret } from "../support/secrets.ts";
import { startService } from "../support/service.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

const readme = await readFile(fileURLToPath(new URL("../../README.md", import.meta.url)), "utf8");
const shellBlocks = [...readme.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);

/** The one shell block with the text. */
function blockWith(text: string): string {
  const found = shellBlocks.filter((block) => block.includes(text));
  expect(found, `shell blocks with ${text}`).toHaveLength(1);
  return found[0] ?? "";
}

describeWith(["cli"], "the README", () => {
  let scene: ComposeScene;

  beforeAll(async () => {
    scene = await composeScene(await startEmbeddedRegistry());
    const app = makeImage({
      layers: [
        {
          files: [
            { path: "opt/" },
            { path: "opt/app-root/src/" },
            { path: "opt/app-root/src/dist/", mode: 0o755 },
            { path: "opt/app-root/src/dist/server.js", content: "listen()" },
          ],
        },
      ],
    });
    await pushMade(app, scene.registry.url, "app-builder:sha-1a2b");
    await pushMade(scene.base, scene.registry.url, "node-runtime:24");
  });
  afterAll(() => scene.stop());

  /** Runs a block as a shell would, `compose-image` being the built command. */
  const runBlock = async (block: string, env: Readonly<Record<string, string>> = {}) => {
    const home = await temporaryDirectory("readme-home");
    const script = `compose-image() { "${process.execPath}" "${cliPath}" "$@"; }\n${block}`;
    return attempt("bash", ["-euc", script.replaceAll("registry.example", scene.registry.host)], {
      cwd: home,
      env: { ...isolatedEnvironment(home, home), ...env },
    });
  };

  test("the first example runs as it stands and does what it says", async () => {
    const result = await runBlock(blockWith("--tag registry.example/app:latest"));
    expect(result, result.stderr).toMatchObject({ status: 0 });
    const image = await readImage(`${scene.registry.host}/app:latest`);
    expect(result.stdout.toString()).toBe(`${scene.registry.host}/app@${image.digest}\n`);
    expect((await readImage(`${scene.registry.host}/app:1.2.3`)).digest).toBe(image.digest);
    expect([...image.top.entries.keys()]).toContain("run/app/dist/server.js");
    expect(image.config.config).toMatchObject({
      Entrypoint: ["node", "dist/server.js"],
      WorkingDir: "/run/app",
    });
  });

  test("the summary it shows has the rows that the command prints", async () => {
    const result = await runCli(scene.arguments());
    const rows = (text: string) => [...text.matchAll(/^([a-z]+) {2,}\S/gm)].map(([, name]) => name);
    const shown = readme
      .split(/^```.*$/m)
      .filter((_, i) => i % 2 === 1)
      .join("");
    for (const row of rows(result.stderr)) expect(rows(shown)).toContain(row);
    expect(rows(result.stderr)).not.toEqual([]);
  });

  test("the version it asks for is the package's", async () => {
    const result = await runCli(["--version"]);
    const manifest = await readFile(new URL("../../package.json", import.meta.url), "utf8");
    expect(result.stdout.trim()).toBe(JSON.parse(manifest).version);
    expect(blockWith("compose-image --version")).toContain("npm install");
  });

  test("the examples of ls and cat show the builder's files", async () => {
    const result = await runBlock(blockWith("compose-image ls registry.example"));
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(result.stdout.toString()).toMatch(/^d\S+ 0:0 .* \/opt\/app-root\/src\/dist\/\nlisten\(\)$/);
  });

  test("the example of archives writes them, and lists what is in one", async () => {
    const result = await runBlock(blockWith("--tag docker-archive:"));
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(result.stdout.toString()).toMatch(
      /^oci-archive:app-oci\.tar@(sha256:[0-9a-f]{64})\ndocker-archive:app\.tar@\1\nd\S+ .* \/run\/app\/dist\/\n$/,
    );
  });

  test("the example of inspect shows the base's configuration", async () => {
    const result = await runBlock(blockWith("compose-image inspect"));
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(result.stdout.toString()).toMatch(/^env +PATH=\/bin$/m);
  });

  test("the example of config changes the image of the first example", async () => {
    const first = await runBlock(blockWith("--tag registry.example/app:latest"));
    expect(first, first.stderr).toMatchObject({ status: 0 });
    const result = await runBlock(blockWith("compose-image config"));
    expect(result, result.stderr).toMatchObject({ status: 0 });
    const { config } = await readImage(`${scene.registry.host}/app:1.2.3-blue`);
    expect(config.config).toMatchObject({ Labels: { "org.example.team": "blue" } });
    expect(config.config.Env).toContain("LOG_LEVEL=info");
  });

  test("the example of rebase puts the image of the first example onto a patched base", async () => {
    const first = await runBlock(blockWith("--tag registry.example/app:latest"));
    expect(first, first.stderr).toMatchObject({ status: 0 });
    const patched = makeImage({ layers: [{ files: [{ path: "etc/" }, { path: "etc/patched" }] }] });
    await pushMade(patched, scene.registry.url, "node-runtime:24.1");
    const result = await runBlock(blockWith("compose-image rebase"));
    expect(result, result.stderr).toMatchObject({ status: 0 });
    const [before, after] = [
      await readImage(`${scene.registry.host}/app:1.2.3`),
      await readImage(`${scene.registry.host}/app:1.2.3-patched`),
    ];
    expect(after.manifest.layers).toEqual([patched.layers[0]?.descriptor, before.manifest.layers.at(-1)]);
  });

  test("its table of commands has every command, and no other", async () => {
    const help = (await runCli(["--help"])).stdout;
    const offered = [...help.matchAll(/^ {2}([a-z]+)(?= )/gm)].map(([, command]) => command);
    const [, table = ""] = /^## Commands\n([\s\S]*?)^## /m.exec(readme) ?? [];
    const listed = [...table.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, cell = ""]) =>
      [...cell.matchAll(/`([a-z]+)/g)].map(([, command]) => command),
    );
    expect(listed.sort()).toEqual(offered.filter((command) => command !== "help").sort());
  });

  test("the example of diff shows what the first example has added", async () => {
    const first = await runBlock(blockWith("--tag registry.example/app:latest"));
    expect(first, first.stderr).toMatchObject({ status: 0 });
    const result = await runBlock(blockWith("compose-image diff"));
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(result.stdout.toString()).toContain("+ /run/app/dist/server.js  8 B\n");
  });

  test("the examples of copying copy to a registry and a layout", async () => {
    const result = await runBlock(blockWith("copy --all-tags"));
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(result.stdout.toString()).toMatch(
      /^[^/]+\/mirror\/node-runtime:24@(sha256:[0-9a-f]{64})\noci:node-runtime:24@\1\n(?:oci:node-runtime:\S+\n)*$/,
    );
  });

  test("the example of parts makes parts that are checked and read", async () => {
    const result = await runBlock(`${blockWith("copy --split")}\ncmp node.tar.001 whole.tar`);
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(result.stdout.toString()).toMatch(/^oci-archive:node\.tar:24@sha256:\S+\nnode\.tar\.001: OK\n/);
  });

  test("the example with a directory of this machine takes from it", async () => {
    const files = "mkdir src && touch src/server.js src/server.test.js";
    const result = await runBlock(`${files}\n${blockWith("--builder local:")}`);
    expect(result, result.stderr).toMatchObject({ status: 0 });
    const { top } = await readImage(`${scene.registry.host}/app:dev`);
    expect([...top.entries.keys()]).toEqual(["run", "run/app", "run/app/server.js"]);
  });

  test("the example of explain prints the plan as a Dockerfile too, and composes anew once the base has moved", async () => {
    const first = await runBlock(blockWith("--tag registry.example/app:latest"));
    expect(first, first.stderr).toMatchObject({ status: 0 });
    const block = blockWith("compose-image explain");
    const fresh = await runBlock(block);
    expect(fresh, fresh.stderr).toMatchObject({ status: 0 });
    expect(fresh.stdout.toString()).toMatch(/^COPY --from=builder \/opt\/app-root\/src \/run\/app$/m);
    expect(fresh.stdout.toString()).toMatch(/^base .* same\n.* same\n$/m);
    await pushMade(scene.builder, scene.registry.url, "node-runtime:24");
    const moved = await runBlock(block);
    await pushMade(scene.base, scene.registry.url, "node-runtime:24");
    expect(moved, moved.stderr).toMatchObject({ status: 0 });
    expect(moved.stdout.toString()).toMatch(/^base .* moved\n.* same\n.*\/app@sha256:[0-9a-f]{64}\n$/m);
  });

  test("the example with several platforms makes an index of them", async () => {
    const site = makeImage({ layers: [{ files: [{ path: "site/" }, { path: "site/index.html" }] }] });
    const nginx = (architecture: string) =>
      makeImage({ architecture, layers: [{ files: [{ path: "usr/share/nginx/html/" }] }] });
    await pushMade(site, scene.registry.url, "site-builder:1");
    await pushMade(makeIndex(["amd64", "arm64"].map(nginx)), scene.registry.url, "nginx:1");
    const result = await runBlock(blockWith("--platform linux/amd64,linux/arm64"));
    expect(result, result.stderr).toMatchObject({ status: 0 });
    const digest = result.stdout.toString().trim().split("@")[1];
    const accept = "application/vnd.oci.image.index.v1+json";
    const answer = await fetch(`${scene.registry.url}/v2/site/manifests/${digest}`, { headers: { accept } });
    expect(await answer.json()).toMatchObject({
      manifests: [
        { platform: { os: "linux", architecture: "amd64" } },
        { platform: { os: "linux", architecture: "arm64" } },
      ],
    });
  });

  test("the line that empties the cache does", async () => {
    const command = blockWith("rm -rf");
    const result = await runBlock(`mkdir -p .cache/compose-image/layers .cache/other\n${command}\nls .cache`);
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(result.stdout.toString()).toBe("other\n");
  });

  test("the login example logs in, explains and logs out", async () => {
    const block = blockWith("compose-image login");
    const result = await runBlock(block, { REGISTRY_TOKEN: secret("token-of-the-readme") });
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(result.stderr).toMatch(/^logged in to .* as robot; kept in .*config\.json$/m);
    expect(result.stdout.toString()).toMatch(/^pull {9}allowed: /m);
    expect(result.stderr).toMatch(/^logged out of /m);
    expectNoSecrets(`${result.stdout}${result.stderr}`, "the example");
  });

  test("the Dockerfile it shows makes the image of its last stage", async () => {
    const [, dockerfile = ""] = /^```dockerfile\n([\s\S]*?)^```$/m.exec(readme) ?? [];
    const command = blockWith("--build-context");
    const result = await runBlock(`cat >Dockerfile <<'EOF'\n${dockerfile}EOF\n${command}`);
    expect(result, result.stderr).toMatchObject({ status: 0 });
    const { config, top } = await readImage(`${scene.registry.host}/app:from-dockerfile`);
    expect(config.config).toMatchObject({ Entrypoint: ["node", "dist/server.js"], WorkingDir: "/run/app" });
    expect(top.entries.get("run/app/dist/server.js")?.header).toMatchObject({ uid: 1001, gid: 0 });
  });

  test("the registries.conf it shows has Docker Hub's images read from the mirror", async () => {
    const [, conf = ""] = /^```toml\n([\s\S]*?)^```$/m.exec(readme) ?? [];
    await pushMade(scene.builder, scene.registry.url, "hub/library/debian:12");
    const file = join(await temporaryDirectory("readme-mirror"), "registries.conf");
    await writeFile(file, conf.replaceAll("registry.example", scene.registry.host));
    const result = await runCli(["cat", "debian:12", "/app/server.js", "--registries-conf", file]);
    expect(result, result.stderr).toMatchObject({ status: 0, stdout: "console.log(1);\n" });
  });

  test.each(["./images", "images.tar"])("the example of serve with %s serves", async (place) => {
    const command = blockWith(`serve ${place}`).trim().replace("127.0.0.1:5000", "127.0.0.1:0");
    const [, ...args] = command.split(" ");
    const path = join(await temporaryDirectory("readme-serve"), place);
    const image = makeImage({ layers: [{ files: [{ path: "a", content: "a" }] }] });
    if (place === "images.tar") await writeFile(path, tarOf(layoutMembers([{ image, tag: "1" }])));
    const placed = args.map((arg) => (arg === place ? path : arg));
    const service = await startService(process.execPath, [cliPath, ...placed], /listening on (http:\S+)/);
    expect((await fetch(`${service.ready[1]}/v2/`)).status).toBe(200);
    await service.stop();
  });

  test("the message it shows for a missing path is the one that is printed", async () => {
    const result = await runCli([
      ...["--builder", `${scene.registry.host}/app-builder:sha-1a2b`, "--base", "scratch"],
      ...["--directory", "/opt/app", "--tag", scene.names.target, "--quiet"],
    ]);
    expect(result.status).toBe(4);
    const messages = [...readme.matchAll(/^```\n(compose-image: [\s\S]*?)^```$/gm)].map(([, text]) => text);
    expect(messages).toContain(result.stderr.replaceAll(scene.registry.host, "registry.example"));
  });

  describe("its table of options", () => {
    const section = readme.split("\n## Options\n")[1]?.split("\n## ")[0] ?? "";
    const listed = new Set(
      [...section.matchAll(/^\| (`--.*?`) \|/gm)].flatMap(([, cell = ""]) =>
        [...cell.matchAll(/--[a-z-]+/g)].map(([option]) => option),
      ),
    );

    test("of copy has every option that is not in the first", async () => {
      const help = (await runCli(["copy", "--help"])).stdout;
      const offered = [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, option]) => option);
      const own = readme.split("\n## Copying images\n")[1]?.split("\n## ")[0] ?? "";
      for (const option of offered) {
        expect(option === "--help" || `${section}${own}`.includes(`\`${option}`), option).toBe(true);
      }
    });

    test("has every option of compose, and no other", async () => {
      const help = (await runCli(["compose", "--help"])).stdout;
      const offered = new Set([...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, option]) => option));
      offered.delete("--help");
      expect([...listed].sort()).toEqual([...offered].sort());
    });
  });
});
