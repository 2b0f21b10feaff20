/** What one registry may be asked for; what is left out has no limit of ours. */
export interface HostLimits {
  /** May be a fraction: 0.5 is one request in two seconds. */
  readonly requestsPerSecond?: number | undefined;
  /** Bytes of bodies, both ways together. */
  readonly bytesPerSecond?: number | undefined;
  /** Requests under way at once, until their bodies are read. */
  readonly concurrency?: number | undefined;
}
