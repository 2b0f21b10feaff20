import type { Call } from "../../../io/call.ts";
import type { Digest } from "../../../model/digest.ts";
import { mediaTypes } from "../../../model/media-types.ts";
import { contentTypeOf, discard } from "../http.ts";
import { finding } from "./finding.ts";
import { uploadWhole } from "./probe-uploads.ts";
import type { Prober } from "./prober.ts";
import { type ScratchBlob, scratchManifest } from "./scratch.ts";

/**
 * Writes manifests of the kinds there are under their digests, so that no tag is touched.
 *
 * @returns the digest of one that was taken.
 */
export async function probeManifests(
  prober: Prober,
  config: ScratchBlob,
  layer: ScratchBlob,
  call: Call,
): Promise<Digest | undefined> {
  let taken: Digest | undefined;
  let hasConfig = false;
  const said = {
    oci: "took a manifest of the OCI format",
    docker: "took a manifest of the docker format",
    zstd: "took a manifest with a layer in zstd",
  };
  for (const kind of ["oci", "docker", "zstd"] as const) {
    await prober.probe(
      kind,
      async () => {
        if (!hasConfig) await uploadWhole(prober, config, call);
        hasConfig = true;
        const { descriptor, bytes } = scratchManifest(kind, config, layer);
        const target = `/v2/${prober.api.repository}/manifests/${descriptor.digest}`;
        const headers = { "content-type": descriptor.mediaType };
        const request = { method: "PUT", target, headers, body: Buffer.from(bytes) } as const;
        await prober.expect(await prober.ask(request, call), [200, 201, 204], `manifest (${kind})`, call);
        prober.written.push(target);
        taken ??= descriptor.digest;
        return { finding: finding(kind, true, said[kind]), value: undefined };
      },
      call,
    );
  }
  return taken;
}

/** Asks what refers to a manifest. */
export async function probeReferrers(prober: Prober, digest: Digest, call: Call): Promise<void> {
  await prober.probe(
    "referrers",
    async () => {
      const target = `/v2/${prober.api.repository}/referrers/${digest}`;
      const answer = await prober.ask({ method: "GET", target }, call);
      await discard(answer);
      const isList = answer.status === 200 && contentTypeOf(answer) === mediaTypes.oci.index;
      const saw = isList ? "lists what refers to a manifest" : `answers ${answer.status}`;
      return { finding: finding("referrers", isList, saw), value: undefined };
    },
    call,
  );
}
