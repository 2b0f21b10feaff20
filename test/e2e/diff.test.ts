import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ComposeScene, composeScene } from "../support/compose-scene.ts";
import { startEmbeddedRegistry } from "../support/embedded-registry.ts";
import { runCli } from "../support/run-cli.ts";
import { describeWith } from "../support/tools.ts";

describeWith(["cli"], "diff of an image and its base", () => {
  let scene: ComposeScene;
  let images: readonly [base: string, composed: string];

  beforeAll(async () => {
    scene = await composeScene(await startEmbeddedRegistry());
    const composed = `${scene.registry.host}/scene/composed:1`;
    const result = await runCli(scene.arguments({ tag: composed, env: "MODE=test", record: "none" }));
    expect(result.status, result.stderr).toBe(0);
    images = [scene.names.base, composed];
  });
  afterAll(() => scene.stop());

  test("shows what composing added, and ends with status 0", async () => {
    const { status, stdout, stderr, temporary } = await runCli(["diff", ...images]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("\n+ Env MODE=test\n");
    expect(stdout).toContain("\n+ /app/server.js  16 B\n");
    expect(stdout).toMatch(/\n5 added, 0 removed, 0 changed; \+\S+ kB\n$/);
    expect(await readdir(temporary)).toEqual([]);
  });

  test("--exit-code ends with status 1 only where something differs", async () => {
    const differing = await runCli(["diff", "--exit-code", "--json", ...images]);
    expect({ status: differing.status, stderr: differing.stderr }).toEqual({ status: 1, stderr: "" });
    expect(JSON.parse(differing.stdout)).toMatchObject({ equal: false });
    const equal = await runCli(["diff", "--exit-code", images[1], images[1]]);
    expect(equal).toMatchObject({ status: 0, stdout: "", stderr: "" });
  });
});
