import type { Content } from "../io/content.ts";

/** What a command may touch of the process it runs in. */
export interface Terminal {
  /** To standard output. */
  write(text: string): void;
  /** Bytes to standard output, at its pace; whoever reads it may leave. */
  writeContent(content: Content): Promise<void>;
  /**
   * Bytes to standard output that have to arrive as a whole.
   *
   * @throws ComposeImageError `LOCAL_IO`, `DISK_FULL`
   */
  writeWhole(content: Content): Promise<void>;
  /** Whether standard output is a terminal. */
  readonly isOutputTerminal: boolean;
  /** To standard error. */
  writeError(text: string): void;
  /**
   * All of standard input.
   *
   * @throws ComposeImageError `LIMIT_EXCEEDED` when it has more than `limit` bytes.
   */
  readInput(limit: number): Promise<string>;
  /** Whether there is somebody to {@link ask}. */
  readonly canAsk: boolean;
  /**
   * Asks for a line.
   *
   * @param isSecret whether what is typed must not be seen.
   */
  ask(question: string, isSecret: boolean): Promise<string>;
  /** Whether standard error is a terminal. */
  readonly isInteractive: boolean;
  /** Columns of that terminal. */
  width(): number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Tripped by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}
