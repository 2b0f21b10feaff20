/** A registry that a test started on loopback, over plain HTTP. */
export interface Registry {
  /** `127.0.0.1:PORT`, as references begin. */
  readonly host: string;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Where it keeps its content. */
  readonly directory: string;
  /** What it wrote to its outputs so far. */
  log(): string;
  stop(): Promise<void>;
}
