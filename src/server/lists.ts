import { mediaTypes } from "../model/media-types.ts";
import { compareNames } from "./compare-names.ts";
import type { Exchange, RegistryContent } from "./exchange.ts";
import { Refusal } from "./refusal.ts";
import { requireDigest } from "./require-digest.ts";
import { sendJson } from "./send.ts";

/** `GET /v2/_catalog`: the repositories that have a manifest. */
export async function getCatalog(content: RegistryContent, exchange: Exchange): Promise<void> {
  const page = pageOf(await content.repositories.names(exchange.call), "/v2/_catalog", exchange.query);
  sendJson(exchange.response, 200, { repositories: page.names }, page.headers);
}

/**
 * `GET /v2/<name>/tags/list`
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
 */
export async function getTags(
  content: RegistryContent,
  repository: string,
  exchange: Exchange,
): Promise<void> {
  const tags = await content.repositories.tags(repository, exchange.call);
  if (tags === undefined) throw new Refusal(404, "NAME_UNKNOWN", `there is no repository ${repository}`);
  const page = pageOf(tags, `/v2/${repository}/tags/list`, exchange.query);
  sendJson(exchange.response, 200, { name: repository, tags: page.names }, page.headers);
}

/**
 * `GET /v2/<name>/referrers/<digest>`: an index, empty where nothing refers to the digest.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export async function getReferrers(
  content: RegistryContent,
  repository: string,
  digest: string,
  exchange: Exchange,
): Promise<void> {
  const subject = requireDigest(digest);
  const wanted = exchange.query.get("artifactType");
  const referrers = await content.repositories.referrers(repository, subject, exchange.call);
  const manifests = wanted === null ? referrers : referrers.filter((one) => one.artifactType === wanted);
  sendJson(
    exchange.response,
    200,
    { schemaVersion: 2, mediaType: mediaTypes.oci.index, manifests },
    {
      "Content-Type": mediaTypes.oci.index,
      ...(wanted !== null && { "OCI-Filters-Applied": "artifactType" }),
    },
  );
}

interface Page {
  readonly names: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
}

/** The names behind `last`, at most `n` of them, and a link to what follows. */
function pageOf(names: readonly string[], path: string, query: URLSearchParams): Page {
  const last = query.get("last");
  const n = query.get("n");
  if (n !== null && !/^[0-9]{1,9}$/.test(n)) {
    throw new Refusal(400, "UNSUPPORTED", "the query parameter n is not a number of entries");
  }
  const rest = last === null ? names : names.filter((name) => compareNames(name, last) > 0);
  if (n === null || rest.length <= Number(n)) return { names: rest, headers: {} };
  const page = rest.slice(0, Number(n));
  const end = page.at(-1);
  if (end === undefined) return { names: page, headers: {} };
  const next = `${path}?n=${Number(n)}&last=${encodeURIComponent(end)}`;
  return { names: page, headers: { Link: `<${next}>; rel="next"` } };
}
