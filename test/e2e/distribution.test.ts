import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { expectCovered, readRows } from "../support/case-table.ts";
import { run } from "../support/command.ts";
import { startEmbeddedRegistry, startServe } from "../support/embedded-registry.ts";
import type { Registry } from "../support/registry.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";
import { askAt } from "./distribution/ask.ts";
import { discoveryCases } from "./distribution/discovery-cases.ts";
import { managementCases, readOnlyCases } from "./distribution/management-cases.ts";
import { manifestCases } from "./distribution/manifest-cases.ts";
import { pullCases } from "./distribution/pull-cases.ts";
import { type Cases, type Content, makeContent, pushContent } from "./distribution/scene.ts";
import { uploadCases } from "./distribution/upload-cases.ts";

const readCases = { ...pullCases, ...discoveryCases };
const writeCases = { ...uploadCases, ...manifestCases, ...managementCases };

describe("the table of docs/distribution.md", () => {
  test("has a case for every row, a row for every case, and no id twice", () => {
    const names = Object.keys({ ...readCases, ...writeCases, ...readOnlyCases });
    expectCovered(readRows("distribution.md"), names);
  });
});

describeWith(["cli"], "docs/distribution.md", () => {
  let content: Content;
  let registry: Registry;
  beforeAll(async () => {
    content = await makeContent();
    registry = await startEmbeddedRegistry();
    await pushContent(askAt(registry.url), content);
    return () => registry.stop();
  });

  const kinds: [name: string, cases: Cases, start: () => Promise<Registry>][] = [
    ["a layout read-only", { ...readCases, ...readOnlyCases }, () => startServe(registry.directory)],
    ["an archive of a layout", { ...readCases, ...readOnlyCases }, serveArchive],
    ["a layout with --writable", { ...readCases, ...writeCases }, async () => registry],
  ];

  async function serveArchive(): Promise<Registry> {
    const archive = join(await temporaryDirectory("archive"), "images.tar");
    await run("tar", ["-cf", archive, "-C", registry.directory, "."]);
    return startServe(archive);
  }

  for (const [name, cases, start] of kinds) {
    describe(name, () => {
      let served: Registry;
      beforeAll(async () => {
        served = await start();
        return () => served.stop();
      });

      test.each(Object.entries(cases))("%s", async (_, check) => {
        await check({ ask: askAt(served.url), content });
        expect(served.log()).not.toContain("failed");
      });
    });
  }
});
