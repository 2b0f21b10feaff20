import { expect } from "vitest";
import { mediaTypes } from "../../../src/model/media-types.ts";
import type { StoredManifest } from "../../../src/store/source.ts";
import { type Expected, expectAnswer } from "./ask.ts";
import { billType, type Cases, type Scene, tags } from "./scene.ts";

/** A case that lists the tags. */
function listing(query: string, listed: readonly string[], link: string | null = null) {
  return async ({ ask }: Scene): Promise<void> => {
    const answer = await ask("GET", `team/app/tags/list${query}`);
    expectAnswer(answer, { status: 200, headers: { link, "content-type": "application/json" } });
    expect(JSON.parse(answer.body.toString())).toEqual({ name: "team/app", tags: listed });
  };
}

async function referrersOf(
  { ask }: Scene,
  digest: string,
  query = "",
  headers: Expected["headers"] = {},
): Promise<Map<string, Record<string, unknown>>> {
  const answer = await ask("GET", `team/app/referrers/${digest}${query}`);
  expectAnswer(answer, {
    status: 200,
    headers: { "content-type": mediaTypes.oci.index, ...headers },
    json: { schemaVersion: 2, mediaType: mediaTypes.oci.index },
  });
  const { manifests } = JSON.parse(answer.body.toString()) as { manifests: { digest: string }[] };
  return new Map(manifests.map((one) => [one.digest, one]));
}

/** A case about the descriptor of one referrer. */
function described(which: keyof Scene["content"]["referrers"], fields: object) {
  return async (scene: Scene): Promise<void> => {
    const { image, referrers } = scene.content;
    const found = await referrersOf(scene, image.manifest.descriptor.digest);
    const { digest, mediaType, size } = referrers[which].descriptor;
    expect(found.get(digest)).toEqual({ mediaType, digest, size, ...fields });
  };
}

const digestsOf = (manifests: readonly StoredManifest[]): string[] =>
  manifests.map(({ descriptor }) => descriptor.digest).sort();

export const discoveryCases: Cases = {
  "end-8a": listing("", tags),
  "end-8a-unknown": async ({ ask }) =>
    expectAnswer(await ask("GET", "nobody/tags/list"), { status: 404, code: "NAME_UNKNOWN" }),
  "end-8b-n": listing("?n=2", tags.slice(0, 2), '</v2/team/app/tags/list?n=2&last=Alpha>; rel="next"'),
  "end-8b-n--more-than-there-are": listing("?n=100", tags),
  "end-8b-n--zero": listing("?n=0", []),
  "end-8b-n-malformed": async ({ ask }) =>
    expectAnswer(await ask("GET", "team/app/tags/list?n=two"), { status: 400, code: "UNSUPPORTED" }),
  "end-8b-last": listing("?last=Alpha", tags.slice(2)),
  "end-8b-last--with-n": listing(
    "?n=2&last=Alpha",
    tags.slice(2, 4),
    '</v2/team/app/tags/list?n=2&last=Gamma>; rel="next"',
  ),
  "end-8b-last--of-none": listing("?last=AlphaZ", tags.slice(2)),
  "end-8b-link": async ({ ask }) => {
    const seen: string[] = [];
    for (let path: string | undefined = "team/app/tags/list?n=2"; path !== undefined; ) {
      const { headers, body } = await ask("GET", path);
      seen.push(...(JSON.parse(body.toString()) as { tags: string[] }).tags);
      path = /^<([^>]+)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1];
    }
    expect(seen).toEqual(tags);
  },
  "end-12a": async (scene) => {
    const { image, referrers } = scene.content;
    const found = await referrersOf(scene, image.manifest.descriptor.digest, "", {
      "oci-filters-applied": null,
    });
    expect([...found.keys()].sort()).toEqual(digestsOf(Object.values(referrers)));
  },
  "end-12a-artifact-type": described("bill", { artifactType: billType, annotations: { of: "bill" } }),
  "end-12a-config-type": described("plain", {
    artifactType: mediaTypes.oci.config,
    annotations: { of: "plain" },
  }),
  "end-12a-index": described("list", {}),
  "end-12a-empty": async (scene) => {
    expect(await referrersOf(scene, scene.content.other.manifest.descriptor.digest)).toEqual(new Map());
  },
  "end-12a-empty--unknown-repository": async ({ ask, content }) =>
    expectAnswer(await ask("GET", `nobody/referrers/${content.absent}`), {
      status: 200,
      json: { manifests: [] },
    }),
  "end-12a-missing-subject": async (scene) => {
    const { absent, early } = scene.content;
    expect([...(await referrersOf(scene, absent)).keys()]).toEqual([early.descriptor.digest]);
  },
  "end-12a-malformed": async ({ ask }) =>
    expectAnswer(await ask("GET", "team/app/referrers/1"), { status: 400, code: "DIGEST_INVALID" }),
  "end-12b": async (scene) => {
    const { image, referrers } = scene.content;
    const { digest } = image.manifest.descriptor;
    const applied = { "oci-filters-applied": "artifactType" };
    const found = await referrersOf(scene, digest, `?artifactType=${billType}`, applied);
    expect([...found.keys()]).toEqual([referrers.bill.descriptor.digest]);
    expect(await referrersOf(scene, digest, "?artifactType=a/none", applied)).toEqual(new Map());
  },
  "end-12b--type-of-the-config": async (scene) => {
    const { image, referrers } = scene.content;
    const query = `?artifactType=${encodeURIComponent(mediaTypes.oci.config)}`;
    const found = await referrersOf(scene, image.manifest.descriptor.digest, query);
    expect([...found.keys()]).toEqual([referrers.plain.descriptor.digest]);
  },
  catalog: async ({ ask }) =>
    expectAnswer(await ask("GET", "_catalog?n=1"), {
      status: 200,
      headers: { link: '</v2/_catalog?n=1&last=other>; rel="next"' },
      json: { repositories: ["other"] },
    }),
};
