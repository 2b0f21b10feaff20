/** A signal that asks the command to end. */
type InterruptSignal = "SIGINT" | "SIGTERM";

/** The reason work was stopped by a signal. */
export class Interrupted extends Error {
  /** 128 and the signal's number, as shells have it. */
  readonly exitStatus: number;
  readonly signalName: InterruptSignal;

  /** @param outcome what it means for the work, for the message. */
  constructor(signal: InterruptSignal, outcome?: string) {
    const what = signal === "SIGINT" ? "interrupted" : "terminated";
    super(outcome === undefined ? what : `${what}; ${outcome}`);
    this.signalName = signal;
    this.exitStatus = signal === "SIGINT" ? 130 : 143;
  }
}

/**
 * An abort signal that SIGINT and SIGTERM trip. A second signal ends the process at once.
 *
 * @returns the signal, and what takes the handlers away again.
 */
export function abortOnSignals(): { readonly signal: AbortSignal; readonly stopListening: () => void } {
  const controller = new AbortController();
  const listeners = (["SIGINT", "SIGTERM"] as const).map((name) => {
    const listener = (): void => {
      const interrupted = new Interrupted(name);
      if (controller.signal.aborted) process.exit(interrupted.exitStatus);
      controller.abort(interrupted);
    };
    process.on(name, listener);
    return { name, listener };
  });
  const stopListening = (): void => {
    for (const { name, listener } of listeners) process.off(name, listener);
  };
  return { signal: controller.signal, stopListening };
}
