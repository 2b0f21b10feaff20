import { type Dispatcher, errors } from "undici";

/** What has to arrive within the time without progress, so that it counts as progress. */
const minimumBytes = 1024;

/**
 * Gives up downloads that drip: an answer of which fewer than 1024 bytes arrive within the time fails as one that
 * stands still. Time in which its reader wants nothing does not count.
 *
 * @param timeoutMs the longest time without progress.
 */
export function minimumSpeed(timeoutMs: number): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, options.method === "GET" ? new SpeedGuard(handler, timeoutMs) : handler);
}

class SpeedGuard implements Dispatcher.DispatchHandler {
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #timeoutMs: number;
  #timer: NodeJS.Timeout | undefined;
  /** Of the present period: bytes that came, and whether the reader held them up. */
  #bytes = 0;
  #heldUp = false;

  constructor(handler: Dispatcher.DispatchHandler, timeoutMs: number) {
    this.#handler = handler;
    this.#timeoutMs = timeoutMs;
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.#handler.onRequestStart?.(controller, context);
  }

  onResponseStarted(): void {
    this.#handler.onResponseStarted?.();
  }

  onResponseStart(...args: Parameters<NonNullable<Dispatcher.DispatchHandler["onResponseStart"]>>): void {
    const [controller] = args;
    this.#stop();
    // what has arrived while the process was busy is read before it is judged
    const judge = (): unknown => setImmediate(() => this.#judge(controller));
    this.#timer = setInterval(judge, this.#timeoutMs).unref();
    this.#handler.onResponseStart?.(...args);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.byteLength;
    this.#handler.onResponseData?.(controller, chunk);
    this.#heldUp ||= controller.paused;
  }

  onResponseEnd(...args: Parameters<NonNullable<Dispatcher.DispatchHandler["onResponseEnd"]>>): void {
    this.#stop();
    this.#handler.onResponseEnd?.(...args);
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    this.#stop();
    this.#handler.onResponseError?.(controller, error);
  }

  onBodySent(chunk: Buffer): void {
    this.#handler.onBodySent?.(chunk);
  }

  onRequestSent(): void {
    this.#handler.onRequestSent?.();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #judge(controller: Dispatcher.DispatchController): void {
    if (this.#timer === undefined) return;
    const tooSlow = this.#bytes < minimumBytes && !this.#heldUp && !controller.paused;
    this.#bytes = 0;
    this.#heldUp = controller.paused;
    if (tooSlow) controller.abort(new errors.BodyTimeoutError());
  }
}
