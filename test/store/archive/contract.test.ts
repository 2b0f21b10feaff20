import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { unstoppable } from "../../../src/io/call.ts";
import { openArchiveTarget } from "../../../src/store/archive/open-archive-target.ts";
import { describeReferrerContract } from "../../contract/referrer-contract.ts";
import { describeStoreContract } from "../../contract/store-contract.ts";
import { temporaryDirectory } from "../../support/temp.ts";

for (const transport of ["oci-archive", "docker-archive"] as const) {
  const open = async () => {
    const directory = await temporaryDirectory("archive");
    const target = await openArchiveTarget({ transport, file: join(directory, "a.tar") }, {}, unstoppable);
    return {
      target,
      close: async () => {
        await target[Symbol.asyncDispose]();
        expect(await readdir(directory)).toEqual([]);
      },
    };
  };
  describeStoreContract(`an archive (${transport})`, open);
  if (transport === "oci-archive") describeReferrerContract(`an archive (${transport})`, open);
}
