import type { Call } from "../../../io/call.ts";
import { isTransientStatus, Retryable } from "../../../io/retry.ts";
import { ComposeImageError } from "../../../model/errors.ts";
import { repositoryScope } from "../auth/scope.ts";
import { discard, type HttpAnswer, headerOf } from "../http.ts";
import type { ApiRequest, RegistryApi } from "../registry-api.ts";
import { resolveUploadLocation } from "../upload-location.ts";
import type { Finding, ProbeName } from "./finding.ts";

/** Asks a repository one thing after another, and keeps what was found and what has to be removed. */
export class Prober {
  readonly api: RegistryApi;
  readonly findings: Finding[] = [];
  /** Paths of content that was written. The last one goes first: manifests before their blobs. */
  readonly written: string[] = [];
  /** Upload sessions that are open. */
  readonly sessions = new Set<URL>();

  constructor(api: RegistryApi) {
    this.api = api;
  }

  /** Sends a request whose answer is judged by its head; tried again after faults that may heal. */
  async ask(
    request: Omit<ApiRequest, "scopes" | "target"> & { target: string | URL },
    call: Call,
  ): Promise<HttpAnswer> {
    const isReading = request.method === "GET" || request.method === "HEAD";
    const isUpload = request.target instanceof URL;
    const scopes = [repositoryScope(this.api.repository, isReading && !isUpload ? "pull" : "push")];
    const what = `${this.api.party.store}: ${request.method}`;
    const attempt = async (): Promise<HttpAnswer> => {
      const answer = await this.api.send({ ...request, scopes }, call);
      if (isTransientStatus(answer.status)) throw await this.api.reject(answer, { what }, call);
      return answer;
    };
    return this.api.retry(what, attempt, call);
  }

  /**
   * Runs a probe. An error of the registry's is its finding; one of the network ends everything.
   *
   * @returns what the probe gave; `undefined` when it ended in an error.
   */
  async probe<T>(
    name: ProbeName,
    attempt: () => Promise<{ finding: Finding; value: T }>,
    call: Call,
  ): Promise<T | undefined> {
    try {
      const { finding, value } = await attempt();
      this.findings.push(finding);
      return value;
    } catch (error) {
      call.signal.throwIfAborted();
      const failure = error instanceof Retryable ? error.error : error;
      if (!(failure instanceof ComposeImageError)) throw failure;
      this.findings.push({ probe: name, outcome: "no", saw: failure.message, failure });
      return undefined;
    }
  }

  /** @throws the error the answer stands for, unless its status is one of these. */
  async expect(answer: HttpAnswer, statuses: readonly number[], what: string, call: Call): Promise<void> {
    if (statuses.includes(answer.status)) return discard(answer);
    throw await this.api.reject(answer, { what: `${this.api.party.store}: ${what}` }, call);
  }

  /** Begins an upload. */
  async begin(call: Call): Promise<{ session: URL; minPart: number }> {
    const target = `/v2/${this.api.repository}/blobs/uploads/`;
    const answer = await this.ask({ method: "POST", target }, call);
    await this.expect(answer, [202], "upload", call);
    const session = this.located(answer);
    return { session, minPart: Number(headerOf(answer, "oci-chunk-min-length") ?? 0) || 0 };
  }

  /** The session an answer names; in place of another one. */
  located(answer: HttpAnswer, before?: URL): URL {
    const location = headerOf(answer, "location");
    if (location === undefined && before !== undefined) return before;
    const session = resolveUploadLocation(location, answer.url, this.api.party);
    if (before !== undefined) this.sessions.delete(before);
    this.sessions.add(session);
    return session;
  }
}
