import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { planDockerfile } from "../../../src/frontends/dockerfile/plan-dockerfile.ts";
import { compose } from "../../../src/ops/compose.ts";
import { tarOf } from "../../support/make-image.ts";
import { temporaryDirectory } from "../../support/temp.ts";

const tar = tarOf([{ path: "a", content: "x" }]);

describe("ADD of a file", () => {
  const composed = async (instruction: string, content: Uint8Array) => {
    const directory = await temporaryDirectory("add");
    await writeFile(join(directory, "file"), content);
    const plan = planDockerfile(`FROM scratch\n${instruction}\n`, {
      context: { kind: "local", directory },
      flags: { tag: [`oci:${directory}/image:x`] },
    });
    return compose(plan, { env: {}, dryRun: "full" });
  };

  it.each([
    ["a tar", tar],
    ["packed by gzip", gzipSync(tar)],
    ["packed by bzip2", Buffer.from("BZh91AY&SY")],
    ["packed by xz", Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0])],
    ["packed by zstd", Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0])],
  ])("that is %s is refused, whatever it is called", async (_, content) => {
    await expect(composed("ADD fil* /x/", content)).rejects.toThrow(
      expect.objectContaining({
        code: "USAGE",
        message: "Dockerfile:2:1: ADD would unpack fil*, which is not done here",
      }),
    );
  });

  it.each([
    ["a plain file", "ADD file /x", Buffer.from("plain")],
    ["an archive that stays one", "ADD --unpack=false file /x", tar],
    ["an archive by COPY", "COPY file /x", tar],
    ["an archive in a directory", "ADD . /x", tar],
  ])("that is %s is copied", async (_, instruction, content) => {
    const {
      images: [image],
    } = await composed(instruction, content);
    expect(image?.layerEntries).toBeGreaterThan(0);
  });
});
