/** What everything that does I/O takes last: the right to be stopped. */
export interface Call {
  /** Aborts the work; the abort's reason is what the caller sees thrown. */
  readonly signal: AbortSignal;
}

/** A call that nobody will stop. */
export const unstoppable: Call = { signal: new AbortController().signal };
