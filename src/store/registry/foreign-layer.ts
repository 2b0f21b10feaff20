import type { Call } from "../../io/call.ts";
import type { Content } from "../../io/content.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import { ComposeImageError } from "../../model/errors.ts";
import { isForeignLayerMediaType } from "../../model/media-types.ts";
import { readBlob } from "./blob-reader.ts";
import { reachOf } from "./hosts/address.ts";
import type { HttpAnswer } from "./http.ts";
import { redactText } from "./redact.ts";
import { exchangeFollowing } from "./redirect.ts";
import type { RegistryApi } from "./registry-api.ts";
import { rejection } from "./rejection.ts";

/** Whether the blob is kept outside the registry, at URLs of its own. */
export function isForeign(descriptor: Descriptor): boolean {
  return isForeignLayerMediaType(descriptor.mediaType) && (descriptor.urls?.length ?? 0) > 0;
}

/**
 * Reads a foreign layer from the first of its URLs that answers, with no credentials.
 *
 * @throws ComposeImageError what the last URL gave: `BLOB_NOT_FOUND`, `NETWORK`, `DENIED`, …
 */
export async function readForeignLayer(
  api: RegistryApi,
  descriptor: Descriptor,
  call: Call,
): Promise<Content> {
  let last: unknown;
  for (const text of descriptor.urls ?? []) {
    try {
      const url = foreignUrl(api, text, descriptor);
      return await readBlob(
        {
          party: api.party,
          get: (headers, inner) => get(api, url, headers, descriptor, inner),
          retries: api.retries(`${url.host} ${descriptor.digest}`),
          onTransfer: api.onTransfer,
          timeoutMs: api.transport.timeoutMs,
        },
        descriptor,
        call,
      );
    } catch (error) {
      call.signal.throwIfAborted();
      last = error;
    }
  }
  throw last;
}

async function get(
  api: RegistryApi,
  url: URL,
  headers: Readonly<Record<string, string>>,
  descriptor: Descriptor,
  call: Call,
): Promise<HttpAnswer> {
  const answer = await exchangeFollowing(
    api.transport,
    { method: "GET", url, headers },
    api.party,
    call,
    (_, next) => mayBeForeign(next, api),
  );
  if (answer.status === 200 || answer.status === 206) return answer;
  const what = `${api.party.store}: foreign layer ${descriptor.digest}`;
  throw await rejection(answer, { party: api.party, what, notFound: "BLOB_NOT_FOUND" });
}

function foreignUrl(api: RegistryApi, text: string, descriptor: Descriptor): URL {
  const { side, store } = api.party;
  const url = URL.parse(text);
  const where = `${side} ${store}: foreign layer ${descriptor.digest}`;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new ComposeImageError("MANIFEST_INVALID", `${where}: not a URL: ${redactText(text, 200)}`);
  }
  if (!mayBeForeign(url, api)) {
    throw new ComposeImageError(
      "MANIFEST_INVALID",
      `${where}: its URL is the ${reachOf(url.hostname)} address ${url.host}, which is not asked`,
      { hint: "Images from elsewhere have no business naming such an address." },
    );
  }
  return url;
}

/** Whether anybody who can write an image may have this URL asked: public ones, and those as near as the registry. */
function mayBeForeign(url: URL, api: RegistryApi): boolean {
  const reach = reachOf(url.hostname);
  return reach === "public" || reach === reachOf(URL.parse(`http://${api.registry}/`)?.hostname ?? "");
}
