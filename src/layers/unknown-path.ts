import { displayPath, type ImagePath } from "./path.ts";

/**
 * Thrown when an answer depends on paths that the layers were not scanned for. By then the view that was asked wants a
 * wider scan: have it scanned, and ask again.
 */
export class UnknownPath extends Error {
  constructor(path: ImagePath) {
    super(`not scanned yet: ${displayPath(path)}`);
  }
}

/**
 * Asks about each item even when an answer is not known yet, so that one more scan serves them all.
 *
 * @throws UnknownPath when any answer was not known; whatever else went wrong after that is left to the next time.
 */
export function askAll<T, R>(items: Iterable<T>, ask: (item: T) => R): R[] {
  const answers: R[] = [];
  let unknown: UnknownPath | undefined;
  for (const item of items) {
    try {
      answers.push(ask(item));
    } catch (error) {
      if (error instanceof UnknownPath) unknown ??= error;
      else if (unknown === undefined) throw error;
    }
  }
  if (unknown !== undefined) throw unknown;
  return answers;
}
