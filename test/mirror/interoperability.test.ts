import { join } from "node:path";
import { expect, it } from "vitest";
import { unstoppable } from "../../src/io/call.ts";
import { isDigest } from "../../src/model/digest.ts";
import type { MirrorPlace } from "../../src/model/mirror-place.ts";
import { run } from "../support/command.ts";
import { makeImage, sha256 } from "../support/make-image.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { describeWith } from "../support/tools.ts";
import { pushImage, storedOf } from "./fill-site.ts";
import { newPlace, reading, writing } from "./places.ts";

const image = makeImage({ layers: [{ files: [{ path: "app", content: "1" }] }] });

describeWith(["skopeo"], "skopeo", () => {
  it.each(["oci", "oci-archive"] as const)(
    "reads an image of one repository of several in an %s",
    async (kind) => {
      const place = await newPlace(kind);
      await writing(place, async (site) => {
        for (const path of ["other", "team/app"]) {
          await pushImage(site.repository(path), image);
          await site.repository(path).tag(storedOf(image.top), "1.0", unstoppable);
        }
      });
      const read = await run("skopeo", ["inspect", "--raw", `${nameOf(place)}:team/app:1.0`]);
      expect(sha256(read)).toBe(image.top.descriptor.digest);
    },
  );

  it("writes an image into a layout that is a repository's by its name", async () => {
    const place = await newPlace("oci");
    await writing(place, async (site) => {
      await pushImage(site.repository("team/app"), image);
      await site.repository("team/app").tag(storedOf(image.top), "1.0", unstoppable);
    });
    const other = join(await temporaryDirectory("skopeo"), "other");
    await run("skopeo", ["copy", "-q", `${nameOf(place)}:team/app:1.0`, `oci:${other}:tools/x:2`]);
    const site = await reading({ transport: "oci", directory: other });
    expect(await site.repositories(unstoppable)).toEqual(["tools/x"]);
    expect(isDigest((await site.repository("tools/x").find("2", unstoppable))?.digest)).toBe(true);
  });
});

function nameOf(place: MirrorPlace): string {
  if (place.transport === "oci") return `oci:${place.directory}`;
  return place.transport === "oci-archive" ? `oci-archive:${place.file}` : "";
}
