import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { expectCovered, readRows } from "../support/case-table.ts";
import { type FaultScene, faultScene } from "../support/fault-scene.ts";
import { registryKinds } from "../support/registries.ts";
import { describeWith } from "../support/tools.ts";
import { badLineCases } from "./faults/bad-line-cases.ts";
import { documentCases } from "./faults/document-cases.ts";
import { publishCases } from "./faults/publish-cases.ts";
import { readCases } from "./faults/read-cases.ts";
import { retryCases } from "./faults/retry-cases.ts";
import { uploadCases } from "./faults/upload-cases.ts";
import { wayCases } from "./faults/way-cases.ts";

const rows = readRows("faults.md");
const cases = Object.entries({
  ...retryCases,
  ...readCases,
  ...uploadCases,
  ...publishCases,
  ...documentCases,
  ...wayCases,
  ...badLineCases,
});

describe("the table of docs/faults.md", () => {
  test("has a case for every row, a row for every case, and no id twice", () => {
    expectCovered(
      rows,
      cases.map(([name]) => name),
    );
  });
});

for (const kind of registryKinds) {
  describeWith(["cli", "openssl", ...kind.needs], `the faults of docs/faults.md with ${kind.name}`, () => {
    const outcomes: string[] = [];
    let scene: FaultScene;
    beforeAll(async () => {
      scene = await faultScene(await kind.start(), kind.resumesUploads);
    });
    beforeEach(() => scene.reset());
    afterAll(async () => {
      await scene.stop();
      console.info(
        `${outcomes.join("\n")}\n${outcomes.length} of ${cases.length} cases ran with ${kind.name}, for ${rows.length} rows of docs/faults.md`,
      );
    });

    test.each(cases)("%s", async (name, run) => {
      await run(scene);
      const [first = "no compose"] = scene.outcomes;
      outcomes.push(`${name.padEnd(40)} ${first}`);
      expect(scene.proxy.exchanges.length + scene.outcomes.length).toBeGreaterThan(0);
    });
  });
}
