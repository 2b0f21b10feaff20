import type { Call } from "../../../io/call.ts";
import { parseChallenges } from "../auth/challenge.ts";
import type { Endpoints } from "../hosts/endpoints.ts";
import { discard, headersOf, type Party } from "../http.ts";
import { redactText } from "../redact.ts";
import type { RegistryApi } from "../registry-api.ts";
import { cancelUpload } from "../upload.ts";
import { finding, probeNames, type RegistryFindings } from "./finding.ts";
import { probeManifests, probeReferrers } from "./probe-manifests.ts";
import { probeBlobReading, probePull } from "./probe-reading.ts";
import { probeChunks, probeMount, probeUpload } from "./probe-uploads.ts";
import { Prober } from "./prober.ts";
import { scratchBlob, scratchConfig } from "./scratch.ts";

/** Longest time that removing scratch content may take after an abort, in milliseconds. */
const cleanupMs = 5_000;

/**
 * Finds out what a registry supports, with the credentials there are: by reading, and by writing scratch content, which
 * is removed as far as the registry allows. No tag is written.
 *
 * @param hasRepository whether the API's repository is one to try in; if not, only the registry itself is asked.
 * @throws the signal's reason when aborted; what the registry refuses is a finding.
 */
export async function probeRegistry(
  api: RegistryApi,
  endpoints: Endpoints,
  hasRepository: boolean,
  call: Call,
): Promise<RegistryFindings> {
  const prober = new Prober(api);
  let left: string[] = [];
  if (await probePing(prober, endpoints, api.party, call)) {
    if (hasRepository) {
      const present = await probePull(prober, call);
      try {
        const isWritable = await probeWriting(prober, call);
        if (!isWritable && present !== undefined) await probeBlobReading(prober, present, call);
      } finally {
        left = await cleanUp(prober, call);
      }
      call.signal.throwIfAborted();
    }
  }
  const found = new Map(prober.findings.map((one) => [one.probe, one]));
  const reason =
    !hasRepository && found.get("ping")?.outcome === "yes" ? "takes a repository to try in" : "not tried";
  return { findings: probeNames.map((name) => found.get(name) ?? finding(name, undefined, reason)), left };
}

async function probePing(prober: Prober, endpoints: Endpoints, party: Party, call: Call): Promise<boolean> {
  const { api } = prober;
  const isThere = await prober.probe(
    "ping",
    async () => {
      const [endpoint, answer] = await api.retry(
        `${api.registry}: first answer`,
        async () => {
          const endpoint = await endpoints.find(api.registry, party, call);
          const request = { method: "GET", url: new URL("/v2/", endpoint), headers: {} } as const;
          return [endpoint, await api.transport.exchange(request, party, call)] as const;
        },
        call,
      );
      if (answer.status !== 401) await prober.expect(answer, [200, 403], "/v2/", call);
      else await discard(answer);
      const challenges = parseChallenges(headersOf(answer, "www-authenticate"));
      const kinds = challenges.map(({ scheme, parameters }) => {
        const realm = URL.parse(parameters.get("realm") ?? "");
        return scheme === "bearer" && realm !== null ? `bearer tokens of ${realm.host}` : redactText(scheme);
      });
      const saw = kinds.length === 0 ? "asks nobody to log in" : `asks for ${kinds.join(" or ")}`;
      prober.findings.push(finding("login", true, saw));
      return { finding: finding("ping", true, `${endpoint.href}v2/ answers ${answer.status}`), value: true };
    },
    call,
  );
  return isThere === true;
}

/** Gives whether a blob could be written. */
async function probeWriting(prober: Prober, call: Call): Promise<boolean> {
  const layer = scratchBlob();
  if (!(await probeUpload(prober, layer, call))) return false;
  await probeBlobReading(prober, layer.descriptor, call);
  await probeChunks(prober, scratchBlob(), call);
  await probeMount(prober, layer, call);
  const manifest = await probeManifests(prober, scratchConfig(layer), layer, call);
  if (manifest !== undefined) await probeReferrers(prober, manifest, call);
  return true;
}

/** Removes what was written, also after an abort. Gives what could not be removed. */
async function cleanUp(prober: Prober, call: Call): Promise<string[]> {
  const { api, sessions, written } = prober;
  await Promise.all([...sessions].map((session) => cancelUpload(api, session)));
  const left: string[] = [];
  const refusals = new Set<string>();
  const limited: Call = { signal: AbortSignal.timeout(cleanupMs) };
  for (const target of written.toReversed()) {
    const inner = call.signal.aborted ? limited : call;
    try {
      const answer = await prober.ask({ method: "DELETE", target }, inner);
      await discard(answer);
      if ([200, 202, 204, 404].includes(answer.status)) continue;
      refusals.add(`answers ${answer.status}`);
    } catch (error) {
      refusals.add(error instanceof Error ? error.message : String(error));
    }
    left.push(target);
  }
  if (written.length > 0) {
    const saw = left.length === 0 ? "removed what was written" : [...refusals].join("; ");
    prober.findings.push(finding("delete", left.length === 0, saw));
  }
  return left;
}
