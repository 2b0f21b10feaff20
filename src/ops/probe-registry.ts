import { unstoppable } from "../io/call.ts";
import type { ComposeImageError } from "../model/errors.ts";
import type { RegistryName } from "../model/reference.ts";
import { RegistryClient, type RegistryClientOptions } from "../store/registry/client.ts";
import type { Finding, ProbeName } from "../store/registry/probe/finding.ts";

/** Options of {@link probeRegistry}. */
export interface ProbeOptions extends RegistryClientOptions {
  /** Stops the work; scratch content is removed all the same. */
  readonly signal?: AbortSignal | undefined;
}

/** What was found, and what follows from it. */
export interface RegistryReport {
  readonly registry: string;
  /** Where it was tried; `undefined` when only the registry itself was asked. */
  readonly repository: string | undefined;
  readonly findings: readonly JudgedFinding[];
  /** Scratch content that is still there: paths below the registry's root. */
  readonly left: readonly string[];
  /** Why composing to it would fail; `undefined` when it would not. */
  readonly failure: ComposeImageError | undefined;
}

/** A finding with what is done about it. */
export interface JudgedFinding extends Finding {
  /** What compose does where the answer is no. */
  readonly instead?: string | undefined;
}

/** What follows from a no. */
const consequences: Readonly<Record<ProbeName, string>> = {
  ping: "nothing can be read or pushed here",
  login: "credentials are not shown to anybody",
  pull: "images here can be neither builder nor base",
  upload: "nothing can be pushed here",
  head: "the manifest is read, and its digest computed; blobs are sent without asking whether they are there",
  ranges: "a download that breaks begins again, and passes over what it has",
  chunks: "a blob goes in one request, and begins anew when it breaks",
  resume: "an upload that breaks begins anew, in parts",
  mount: "the layers of a base in the same registry are sent again",
  oci: "compose with --format docker",
  docker: "compose with --format oci; a base in the docker format cannot be kept in it",
  zstd: "new layers are in gzip anyway; a base with layers in zstd cannot be pushed here",
  referrers: "compose does without",
  delete: "scratch content stays until the registry collects it",
};

/**
 * Finds out what a registry supports, with the user's own credentials, and what that means for composing to it.
 *
 * @throws the reason of `signal` when stopped; what the registry refuses is part of the report.
 */
export async function probeRegistry(name: RegistryName, options: ProbeOptions = {}): Promise<RegistryReport> {
  const { registry } = name;
  const repository = repositoryOf(name);
  const { signal } = options;
  const client = new RegistryClient(options);
  try {
    const call = signal === undefined ? unstoppable : { signal };
    const { findings, left } = await client.probe(registry, repository, call);
    const judged = findings.map((one) => ({
      ...one,
      ...(one.outcome === "no" && { instead: consequences[one.probe] }),
    }));
    return { registry, repository, findings: judged, left, failure: failureOf(findings) };
  } finally {
    await client.close();
  }
}

/** Docker's own images have a namespace that nobody writes. */
function repositoryOf({ registry, path }: RegistryName): string | undefined {
  if (path === "") return undefined;
  return registry === "docker.io" && !path.includes("/") ? `library/${path}` : path;
}

function failureOf(findings: readonly Finding[]): ComposeImageError | undefined {
  const of = (probe: ProbeName): Finding | undefined => findings.find((one) => one.probe === probe);
  const [oci, docker] = [of("oci"), of("docker")];
  const noFormat = oci?.outcome === "no" && docker?.outcome === "no" ? oci.failure : undefined;
  return of("ping")?.failure ?? of("upload")?.failure ?? noFormat;
}
