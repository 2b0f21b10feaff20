import type { IncomingHttpHeaders } from "node:http";
import type { Socket } from "node:net";

/** What a proxy does to a request instead of passing it on. */
export type Fault =
  /** Answers by itself; the registry never sees the request, whose body is read to its end. */
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Uint8Array;
    }
  /** Resets the connection at once. */
  | { readonly kind: "reset" }
  /** Passes the request on and resets the connection after so many bytes of the answer's body; 0: without an answer. */
  | { readonly kind: "cut-response"; readonly afterBytes: number }
  /** Resets the connection after so many bytes of the request's body; what came before has been passed on. */
  | { readonly kind: "cut-request"; readonly afterBytes: number }
  /** Passes on so many bytes of the answer's body, then nothing, with the connection left open. */
  | { readonly kind: "stall-response"; readonly afterBytes: number }
  /** Passes on so many bytes of the request's body, then takes none, with the client's connection left open. */
  | { readonly kind: "stall-request"; readonly afterBytes: number }
  /** Waits before it passes the request on. */
  | { readonly kind: "hold"; readonly until: Promise<unknown> }
  /** Passes on something else than what came. */
  | ({ readonly kind: "alter" } & Alteration)
  /** Passes everything on, but badly. */
  | ({ readonly kind: "line" } & LineOptions);

/** A fault of requests that are passed on. */
export type PassedFault = Exclude<Fault, { kind: "answer" | "reset" | "hold" }>;

/** Headers to set, or to leave out; a function of what they were. */
export type HeaderChanges =
  | Readonly<Record<string, string | undefined>>
  | ((headers: IncomingHttpHeaders) => Readonly<Record<string, string | undefined>>);

/** What is changed on the way. */
export interface Alteration {
  /** Headers of the request to set, or to leave out. */
  readonly request?: HeaderChanges;
  readonly status?: number;
  /** Gives the path and query to ask for. */
  readonly path?: (path: string) => string;
  /** Milliseconds that the answer is kept back. */
  readonly delayMs?: number;
  /** Headers of the answer to set, or to leave out. */
  readonly headers?: HeaderChanges;
  /** Gives what goes on in place of a chunk of the answer's body; `at` is where the chunk begins in it. */
  readonly body?: (chunk: Buffer, at: number) => Buffer;
}

/** A bad line. */
export interface LineOptions {
  /** Resets a connection whenever so many bytes of bodies went over it, in both directions together. */
  readonly cutEveryBytes?: number;
  readonly bytesPerSecond?: number;
}

/** Headers with some set and some left out. */
export function alteredHeaders(
  headers: IncomingHttpHeaders,
  changes: HeaderChanges = {},
): Record<string, string | string[]> {
  const changed = typeof changes === "function" ? changes(headers) : changes;
  const all: Record<string, string | string[] | undefined> = { ...headers, ...changed };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

const bytesOver = new WeakMap<Socket, number>();

/**
 * Takes in bytes that come over a connection.
 *
 * @returns how many of them get through before it is cut, and the milliseconds they take.
 */
export function overLine(
  socket: Socket,
  bytes: number,
  { cutEveryBytes = Number.POSITIVE_INFINITY, bytesPerSecond = Number.POSITIVE_INFINITY }: LineOptions,
): { readonly passed: number; readonly ms: number } {
  const before = bytesOver.get(socket) ?? 0;
  const passed = Math.min(bytes, Math.max(0, cutEveryBytes - before));
  bytesOver.set(socket, before + passed);
  return { passed, ms: (passed / bytesPerSecond) * 1000 };
}
