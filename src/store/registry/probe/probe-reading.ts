import type { Call } from "../../../io/call.ts";
import type { Descriptor } from "../../../model/descriptor.ts";
import { ComposeImageError } from "../../../model/errors.ts";
import { parseManifest } from "../../../model/manifest.ts";
import { formatRange, isContentRange } from "../content-range.ts";
import { contentLengthOf, discard, headerOf } from "../http.ts";
import { Manifests } from "../manifests.ts";
import { listTags } from "../tags.ts";
import { finding } from "./finding.ts";
import type { Prober } from "./prober.ts";

/**
 * Whether images of the repository can be read.
 *
 * @returns a blob that is there; `undefined` when there is none, or it cannot be known.
 */
export async function probePull(prober: Prober, call: Call): Promise<Descriptor | undefined> {
  const { api } = prober;
  return prober.probe(
    "pull",
    async () => {
      const tag = await firstTag(prober, call);
      if (tag === undefined) {
        return {
          finding: finding("pull", undefined, "there is no image in the repository"),
          value: undefined,
        };
      }
      const manifests = new Manifests(api);
      const where = `${api.party.side} ${api.party.store}:${tag}`;
      const stored = await manifests.manifest({ tag }, call);
      let image = parseManifest(stored.bytes, stored.descriptor.mediaType, where);
      const child = image.kind === "index" ? image.manifests[0] : undefined;
      if (child !== undefined) {
        const { bytes, descriptor } = await manifests.manifest({ digest: child.digest }, call);
        image = parseManifest(bytes, descriptor.mediaType, where);
      }
      const saw = `the manifest of ${tag} is there`;
      return {
        finding: finding("pull", true, saw),
        value: image.kind === "manifest" ? image.config : undefined,
      };
    },
    call,
  );
}

async function firstTag({ api }: Prober, call: Call): Promise<string | undefined> {
  try {
    for await (const tag of listTags(api, call)) return tag;
  } catch (error) {
    const isEmpty =
      error instanceof ComposeImageError && ["MANIFEST_NOT_FOUND", "LIMIT_EXCEEDED"].includes(error.code);
    if (!isEmpty) throw error;
  }
  return undefined;
}

/** What HEAD and ranges are worth, on a blob that is there. */
export async function probeBlobReading(prober: Prober, blob: Descriptor, call: Call): Promise<void> {
  const target = `/v2/${prober.api.repository}/blobs/${blob.digest}`;
  await prober.probe(
    "head",
    async () => {
      const answer = await prober.ask({ method: "HEAD", target }, call);
      await discard(answer);
      const lacks = [
        ...(answer.status === 200 ? [] : [`it answers ${answer.status}`]),
        ...(contentLengthOf(answer) === blob.size ? [] : ["no length"]),
        ...(headerOf(answer, "docker-content-digest") === blob.digest ? [] : ["no digest"]),
      ];
      const saw = lacks.length === 0 ? "tells length and digest" : lacks.join(", ");
      return { finding: finding("head", answer.status === 200, saw), value: undefined };
    },
    call,
  );
  await prober.probe(
    "ranges",
    async () => {
      const range = { first: 1, last: blob.size - 1 };
      const headers = { range: formatRange(range), "accept-encoding": "identity" };
      const answer = await prober.ask({ method: "GET", target, headers }, call);
      await discard(answer);
      const isRight =
        answer.status === 206 && isContentRange(headerOf(answer, "content-range"), range, blob.size);
      const from = answer.redirected ? `, by ${answer.url.host}` : "";
      const saw = isRight
        ? `206 with what was asked for${from}`
        : `${answer.status} with something else${from}`;
      return { finding: finding("ranges", isRight, saw), value: undefined };
    },
    call,
  );
}
