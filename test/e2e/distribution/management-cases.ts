import { digestOf } from "../../../src/model/digest.ts";
import { mediaTypes } from "../../../src/model/media-types.ts";
import { tinyImage } from "../../store/layout/tiny-image.ts";
import { expectAnswer } from "./ask.ts";
import { artifact, type Cases, pushImage, pushManifest } from "./scene.ts";

const unknown = digestOf(Buffer.from("unknown"));

export const managementCases: Cases = {
  "end-9-tag": async ({ ask }) => {
    const image = await tinyImage("a tag less");
    for (const tag of ["1", "2"]) await pushImage(ask, "rm/tag", image, tag);
    expectAnswer(await ask("DELETE", "rm/tag/manifests/1"), { status: 202 });
    expectAnswer(await ask("GET", "rm/tag/manifests/1"), { status: 404, code: "MANIFEST_UNKNOWN" });
    expectAnswer(await ask("GET", "rm/tag/tags/list"), { status: 200, json: { tags: ["2"] } });
    expectAnswer(await ask("GET", `rm/tag/manifests/${image.manifest.descriptor.digest}`), { status: 200 });
  },
  "end-9-digest": async ({ ask }) => {
    const image = await tinyImage("a manifest less");
    for (const tag of ["1", "2"]) await pushImage(ask, "rm/digest", image, tag);
    const { digest } = image.manifest.descriptor;
    expectAnswer(await ask("DELETE", `rm/digest/manifests/${digest}`), { status: 202 });
    for (const reference of [digest, "1", "2"])
      expectAnswer(await ask("GET", `rm/digest/manifests/${reference}`), { status: 404 });
  },
  "end-9-unknown": async ({ ask }) => {
    for (const path of ["rm/none/manifests/1", "team/app/manifests/none", `team/app/manifests/${unknown}`])
      expectAnswer(await ask("DELETE", path), { status: 404, code: "MANIFEST_UNKNOWN" });
  },
  "end-9-referrer": async ({ ask }) => {
    const image = await tinyImage("with a referrer");
    await pushImage(ask, "rm/referrer", image, "1");
    const about = artifact(image, image.manifest.descriptor, {});
    await pushManifest(ask, "rm/referrer", about);
    const { digest } = image.manifest.descriptor;
    expectAnswer(await ask("DELETE", `rm/referrer/manifests/${about.descriptor.digest}`), { status: 202 });
    expectAnswer(await ask("GET", `rm/referrer/referrers/${digest}`), {
      status: 200,
      headers: { "content-type": mediaTypes.oci.index },
      json: { manifests: [] },
    });
  },
  "end-9-again": async ({ ask }) => {
    const image = await tinyImage("pushed again");
    await pushImage(ask, "rm/again", image, "1");
    await ask("DELETE", `rm/again/manifests/${image.manifest.descriptor.digest}`);
    await pushImage(ask, "rm/again", image, "1");
    expectAnswer(await ask("GET", "rm/again/manifests/1"), { status: 200, body: image.manifest.bytes });
  },
  "end-10": async ({ ask }) => {
    const image = await tinyImage("a blob less");
    await pushImage(ask, "rm/blob", image, "1");
    const path = `rm/blob/blobs/${image.layer.descriptor.digest}`;
    expectAnswer(await ask("DELETE", path), { status: 202 });
    expectAnswer(await ask("GET", path), { status: 404, code: "BLOB_UNKNOWN" });
  },
  "end-10-unknown": async ({ ask }) => {
    for (const path of [`team/app/blobs/${unknown}`, `rm/none/blobs/${unknown}`])
      expectAnswer(await ask("DELETE", path), { status: 404, code: "BLOB_UNKNOWN" });
  },
};

const readOnly = { status: 405, code: "UNSUPPORTED", headers: { allow: "GET, HEAD" } };

/** Cases of a registry that is not written to. */
export const readOnlyCases: Cases = {
  "read-only-manifests": async ({ ask, content }) => {
    const { bytes, descriptor } = content.image.manifest;
    const headers = { "Content-Type": descriptor.mediaType };
    expectAnswer(await ask("PUT", "team/app/manifests/2", { headers, body: bytes }), readOnly);
    for (const reference of ["1", descriptor.digest])
      expectAnswer(await ask("DELETE", `team/app/manifests/${reference}`), readOnly);
    expectAnswer(await ask("HEAD", "team/app/manifests/1"), { status: 200 });
  },
  "read-only-blobs": async ({ ask, content }) => {
    const path = `team/app/blobs/${content.image.layer.descriptor.digest}`;
    expectAnswer(await ask("DELETE", path), readOnly);
    expectAnswer(await ask("HEAD", path), { status: 200 });
  },
  "read-only-uploads": async ({ ask, content }) => {
    const refused = { ...readOnly, headers: { allow: "" } };
    const { digest } = content.image.layer.descriptor;
    for (const query of ["", `?digest=${digest}`, `?mount=${digest}&from=team/app`])
      expectAnswer(await ask("POST", `new/blobs/uploads/${query}`), refused);
    for (const method of ["GET", "PATCH", "PUT", "DELETE"])
      expectAnswer(await ask(method, "new/blobs/uploads/0b5c0e6e-0000-4000-8000-000000000000"), refused);
  },
};
