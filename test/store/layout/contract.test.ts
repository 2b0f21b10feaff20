import { rm } from "node:fs/promises";
import { join } from "node:path";
import { unstoppable } from "../../../src/io/call.ts";
import { openLayout } from "../../../src/store/layout/open-layout.ts";
import { describeReferrerContract } from "../../contract/referrer-contract.ts";
import { describeStoreContract } from "../../contract/store-contract.ts";
import { temporaryDirectory } from "../../support/temp.ts";

for (const describeContract of [describeStoreContract, describeReferrerContract]) {
  describeContract("a layout", async () => {
    const directory = join(await temporaryDirectory("layout"), "app");
    const target = await openLayout(directory, { create: true }, unstoppable);
    return { target, close: () => rm(directory, { recursive: true }) };
  });
}
