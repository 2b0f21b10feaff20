import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { describeBytes } from "../../src/model/descriptor.ts";
import { readReferrer } from "../../src/model/referrers.ts";
import type { StoredManifest } from "../../src/store/source.ts";
import type { Target } from "../../src/store/target.ts";
import { type MadeImage, makeImage } from "../support/make-image.ts";
import { makeArtifact } from "../support/signed-image.ts";
import type { OpenedTarget } from "./store-contract.ts";

/** What holds for every {@link Target} that keeps referrers. */
export function describeReferrerContract(name: string, openTarget: () => Promise<OpenedTarget>): void {
  describe(`${name}, as every store that keeps referrers`, () => {
    const image = makeImage({ layers: [{ files: [{ path: "app", content: "1" }] }] });
    const [sbom, signature] = ["sbom", "signature"].map((type) => makeArtifact(type, type, image.top));
    const subject = storedOf(image).descriptor.digest;
    let opened: OpenedTarget;
    let target: Target;
    beforeEach(async () => {
      opened = await openTarget();
      target = opened.target;
      await push(image);
      await target.tag(storedOf(image), "1", unstoppable);
    });
    afterEach(() => opened.close());

    const push = async (made: MadeImage): Promise<void> => {
      for (const { descriptor, bytes } of [...made.layers, ...made.configs]) {
        await target.push(describeBytes(descriptor.mediaType, bytes), async () => once(bytes), unstoppable);
      }
      await target.pushManifest(storedOf(made), unstoppable);
    };
    const attach = async (made: MadeImage | undefined): Promise<void> => {
      if (made === undefined) throw new Error("no artifact");
      await push(made);
      const { bytes, descriptor } = storedOf(made);
      const referrer = readReferrer(bytes, descriptor, "artifact");
      await target.attach(subject, referrer === undefined ? [] : [referrer.descriptor], unstoppable);
    };

    it("lists what was attached, once, with type and annotations", async () => {
      for (const made of [sbom, signature, sbom]) await attach(made);
      const found = await target.referrers(subject, unstoppable);
      expect(found.map(({ artifactType }) => artifactType).sort()).toEqual([
        "application/vnd.example.sbom.config+json",
        "application/vnd.example.signature.config+json",
      ]);
      expect(found.map(({ annotations }) => annotations?.["org.example.about"]).sort()).toEqual([
        "sbom",
        "signature",
      ]);
    });

    it("lists nothing for a manifest that nothing refers to, or that is not there", async () => {
      await attach(sbom);
      for (const made of [sbom, signature]) {
        if (made === undefined) throw new Error("no artifact");
        expect(await target.referrers(storedOf(made).descriptor.digest, unstoppable)).toEqual([]);
      }
    });

    it("keeps the tag it had, and finds no other", async () => {
      await attach(sbom);
      expect((await target.find("1", unstoppable))?.digest).toBe(subject);
      expect(await target.find("2", unstoppable)).toBeUndefined();
    });
  });
}

function storedOf({ top }: MadeImage): StoredManifest {
  return { descriptor: describeBytes(top.descriptor.mediaType, top.bytes), bytes: top.bytes };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
