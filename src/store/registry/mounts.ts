import type { Call } from "../../io/call.ts";
import { outlasting } from "../../io/outlasting.ts";
import { retry } from "../../io/retry.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import { ComposeImageError } from "../../model/errors.ts";
import type { MountOrigin } from "../source.ts";
import { mergeScopes, repositoryScope } from "./auth/scope.ts";
import { canonicalRegistry } from "./hosts/api-host.ts";
import { discard, headerOf } from "./http.ts";
import type { RegistryApi } from "./registry-api.ts";
import { cancelMs } from "./upload.ts";
import { resolveUploadLocation } from "./upload-location.ts";
import type { Uploads } from "./uploads.ts";

/**
 * Mounts a blob of another repository of the same registry.
 *
 * @param refusing registries that have refused to mount; one that does so now is added, and none of them is asked.
 * @returns whether it is there now. An upload session that the registry began in place of mounting goes to `uploads`.
 */
export async function mountBlob(
  api: RegistryApi,
  uploads: Uploads,
  refusing: Set<string>,
  descriptor: Descriptor,
  from: MountOrigin,
  call: Call,
): Promise<boolean> {
  const registry = canonicalRegistry(api.registry);
  if (canonicalRegistry(from.registry) !== registry || refusing.has(registry)) return false;
  const target = `/v2/${api.repository}/blobs/uploads/?mount=${encodeURIComponent(descriptor.digest)}&from=${encodeURIComponent(from.repository)}`;
  const scopes = mergeScopes([
    repositoryScope(from.repository, "pull"),
    repositoryScope(api.repository, "push"),
  ]);
  let faults = 0;
  const attempt = async (): Promise<boolean> => {
    const answer = await outlasting(call, cancelMs, (inner) =>
      api.send({ method: "POST", target, scopes, queueing: call }, inner),
    );
    const { status } = answer;
    if (status >= 500) faults += 1;
    if (status === 429 || (status >= 500 && faults === 1)) {
      throw await api.reject(answer, { what: `${api.party.store}: mount` }, call);
    }
    await discard(answer);
    if (status === 201) return true;
    if (status === 202) {
      uploads.keep(
        descriptor.digest,
        resolveUploadLocation(headerOf(answer, "location"), answer.url, api.party),
      );
    } else {
      refusing.add(registry);
    }
    return false;
  };
  let mounted: boolean;
  try {
    mounted = await retry(attempt, api.retries(`${api.party.store}: mount of ${descriptor.digest}`), call);
  } catch (error) {
    const refused =
      error instanceof ComposeImageError &&
      ["UNAUTHORIZED", "DENIED", "REGISTRY_REJECTED"].includes(error.code);
    if (!refused) throw error;
    refusing.add(registry);
    mounted = false;
  }
  if (mounted) api.onTransfer({ kind: "mounted", store: api.party.store, descriptor, from: from.repository });
  return mounted;
}
