import type { Content } from "../io/content.ts";

/** What a command may touch of the process it runs in. */
export interface Terminal {
  /** To standard output. */
  write(text: string): void;
  /** Bytes to standard output, at its pace. */
  writeContent(content: Content): Promise<void>;
  /** To standard error. */
  writeError(text: string): void;
  /** Whether standard error is a terminal. */
  readonly isInteractive: boolean;
  /** Columns of that terminal. */
  width(): number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Tripped by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}
