import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeImage, pushMade } from "../support/make-image.ts";
import { registryKinds } from "../support/registries.ts";
import type { Registry } from "../support/registry.ts";
import { runCli } from "../support/run-cli.ts";
import { describeWith } from "../support/tools.ts";

const large = randomBytes(1_500_000).toString("hex");

for (const { name, needs, start } of registryKinds) {
  describeWith(["cli", ...needs], `ls and cat of an image on ${name}`, () => {
    let registry: Registry;
    let image: string;

    beforeAll(async () => {
      registry = await start();
      const made = makeImage({
        layers: [
          {
            files: [
              { path: "app/" },
              { path: "app/old", content: "gone" },
              { path: "app/data", content: "lower" },
              { path: "app/large", content: large, mode: 0o4755 },
              { path: "app/current", linkname: "data", mode: 0o777 },
              { path: "app/\u001b[2Jname", content: "" },
            ],
          },
          {
            files: [
              { path: "app/.wh.old", content: "" },
              { path: "app/data", content: "upper\n", mode: 0o640 },
            ],
          },
        ],
      });
      image = await pushMade(made, registry.url, "files:1");
    });
    afterAll(() => registry.stop());

    test("ls shows what a container would see, in long form", async () => {
      const { status, stdout, stderr } = await runCli(["ls", image, "/app"]);
      expect(stderr).toBe("");
      expect(status).toBe(0);
      const lines = stdout.trimEnd().split("\n");
      expect(lines.map((line) => line.replace(/^(\S+) (\S+) +(\S+) \S+ \S+ /, "$1 $2 $3 "))).toEqual([
        "-rw-r--r-- 0:0 0 /app/\\x1b[2Jname",
        "lrwxrwxrwx 0:0 0 /app/current -> data",
        "-rw-r----- 0:0 6 /app/data",
        `-rwsr-xr-x 0:0 ${large.length} /app/large`,
      ]);
    });

    test("ls --json tells programs the same", async () => {
      const { stdout } = await runCli(["ls", "--json", image, "/app/data"]);
      expect(JSON.parse(stdout)).toMatchObject([
        { path: "/app/data", type: "file", mode: "0640", uid: 0, gid: 0, size: 6 },
      ]);
    });

    test("ls -R goes into directories, and the root is the default", async () => {
      const shallow = (await runCli(["ls", image])).stdout;
      expect(shallow.trimEnd().split("\n")).toHaveLength(1);
      const deep = (await runCli(["ls", "-R", image])).stdout;
      expect(deep).toContain(" /app/data\n");
    });

    test("cat prints a file byte for byte, through a symlink, and leaves nothing behind", async () => {
      expect((await runCli(["cat", image, "/app/current"])).stdout).toBe("upper\n");
      const { stdout, temporary } = await runCli(["cat", image, "/app/large", "--quiet"]);
      expect(stdout === large).toBe(true);
      expect(await readdir(temporary)).toEqual([]);
    });

    test.for([
      ["ls", "/app/old"],
      ["cat", "/app/old"],
      ["cat", "/app"],
    ])("%s of %s is an error that names image and path", async ([command = "", path = ""]) => {
      const { status, stdout, stderr } = await runCli([command, image, path]);
      expect(status).toBe(4);
      expect(stdout).toBe("");
      expect(stderr).toContain(`image ${image}`);
      expect(stderr).toContain(path);
      expect(stderr).toContain("[SOURCE_NOT_FOUND]");
    });
  });
}
