import type { Content } from "./content.ts";

/** Takes content to its end; its failure fails the whole. */
export type Sink = (content: Content) => Promise<void>;

/**
 * Passes content on, and gives the same chunks to sinks as it goes, each at the pace of the slowest. A sink may end
 * early without fault. The content ends only when all sinks have; when it fails or is left early, they see it fail.
 *
 * @throws what the content throws, or a sink.
 */
export async function* fanOut(content: Content, sinks: readonly Sink[]): AsyncGenerator<Uint8Array> {
  const branches = sinks.map((sink) => new Branch(sink));
  try {
    for await (const chunk of content) {
      await Promise.all(branches.map((branch) => branch.give(chunk)));
      yield chunk;
    }
    for (const branch of branches) branch.end();
    await Promise.all(branches.map((branch) => branch.done));
  } catch (error) {
    for (const branch of branches) branch.fail(error);
    throw error;
  } finally {
    for (const branch of branches) branch.fail(new Error("the content was left before its end"));
    await Promise.allSettled(branches.map((branch) => branch.done));
  }
}

/** One sink with the chunk it is to take next. */
class Branch {
  /** Settles as the sink does. */
  readonly done: Promise<void>;
  #state: { readonly kind: "open" | "ended" } | { readonly kind: "failed"; readonly error: unknown } = {
    kind: "open",
  };
  #chunk: Uint8Array | undefined;
  #hasStopped = false;
  #wake: () => void = () => {};
  #taken: () => void = () => {};

  constructor(sink: Sink) {
    this.done = sink(this.#read()).finally(() => {
      this.#hasStopped = true;
      this.#taken();
    });
    this.done.catch(() => {});
  }

  /** Resolves when the sink has asked for more, or has stopped; rejects if it failed. */
  async give(chunk: Uint8Array): Promise<void> {
    if (!this.#hasStopped) {
      await new Promise<void>((resolve) => {
        this.#taken = resolve;
        this.#chunk = chunk;
        this.#wake();
      });
    }
    if (this.#hasStopped) await this.done;
  }

  end(): void {
    if (this.#state.kind === "open") this.#state = { kind: "ended" };
    this.#wake();
  }

  fail(error: unknown): void {
    if (this.#state.kind === "open") this.#state = { kind: "failed", error };
    this.#wake();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#chunk;
      if (chunk !== undefined) {
        this.#chunk = undefined;
        yield chunk;
        this.#taken();
      } else if (this.#state.kind === "failed") {
        throw this.#state.error;
      } else if (this.#state.kind === "ended") {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
