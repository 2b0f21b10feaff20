import { randomBytes } from "node:crypto";
import { spellingsOf } from "../../scripts/house/secret-search.ts";
import { captureOutput, captureSecret } from "./capture.ts";

/** Spellings by the secret's text. */
const known = new Map<string, readonly string[]>();

/** Shortest secret that is looked for: shorter ones turn up by chance. */
const minLength = 8;

/**
 * Makes a secret that no output may show.
 *
 * @param words what it begins with, as odd as a test wants it; what follows differs with every run.
 */
export function secret(words: string): string {
  return keepSecret(`${words}${randomBytes(8).toString("hex")}`, words);
}

/**
 * Makes a text that came about otherwise known as a secret. Gives it back.
 *
 * @param name what may be shown of it.
 */
export function keepSecret(text: string, name: string): string {
  if (text.length < minLength) throw new Error(`a secret for tests has at least ${minLength} characters`);
  if (!known.has(text)) {
    known.set(text, spellingsOf(text));
    captureSecret(name, text);
  }
  return text;
}

/** The known secrets that an output shows: as they are, as a URL or JSON has them, or in base64 of any surroundings. */
export function shownSecrets(output: string | Uint8Array): string[] {
  const latin1 = Buffer.from(output).toString("latin1");
  return [...known].flatMap(([text, all]) =>
    all.some((spelling) => latin1.includes(spelling)) ? [text] : [],
  );
}

/**
 * Expects of an output, which it captures, that it shows no secret known by now.
 *
 * @param whose one line.
 * @throws Error naming the secrets that the output shows.
 */
export function expectNoSecrets(output: string | Uint8Array, whose: string): void {
  captureOutput(whose, output);
  const shown = shownSecrets(output);
  if (shown.length > 0) throw new Error(`${whose} shows ${JSON.stringify(shown)}:\n${output}`);
}
