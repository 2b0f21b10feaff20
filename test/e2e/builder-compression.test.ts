import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createBuildah } from "../support/buildah.ts";
import { runCli } from "../support/run-cli.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";

describeWith(["cli", "buildah", "root"], "a builder as buildah packs it", () => {
  test("composes to the same image from gzip, zstd and zstd:chunked", async () => {
    const home = await temporaryDirectory("packed-builders");
    const context = join(home, "context");
    await mkdir(join(context, "app"), { recursive: true });
    await writeFile(join(context, "app", "large"), "0123456789".repeat(50_000));
    await writeFile(join(context, "app", "server.js"), "console.log(1);\n");
    const buildah = await createBuildah();
    await buildah.build({ dockerfile: "FROM scratch\nCOPY . /\n", context, name: "packed" });
    const digests: string[] = [];
    for (const compression of ["gzip", "zstd", "zstd:chunked"] as const) {
      const layout = join(home, compression.replace(":", "-"));
      await buildah.push("packed", `oci:${layout}:1`, compression);
      const args = ["--builder", `oci:${layout}`, "--base", "scratch", "--directory", "/:/srv"];
      const { status, stdout, stderr } = await runCli([
        ...args,
        "--record",
        "none",
        "--tag",
        `oci:${home}/out`,
      ]);
      expect(status, stderr).toBe(0);
      digests.push(stdout);
    }
    expect(digests).toEqual([digests[0], digests[0], digests[0]]);
  });
});
