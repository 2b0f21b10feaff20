/** A registry that a test started on loopback. */
export interface Registry {
  /** `127.0.0.1:PORT`, as references begin. */
  readonly host: string;
  /** `http://127.0.0.1:PORT`, or `https` where the test wanted it. */
  readonly url: string;
  readonly pid: number;
  /** Where it keeps its content. */
  readonly directory: string;
  /** What it wrote to its outputs so far. */
  log(): string;
  stop(): Promise<void>;
}
