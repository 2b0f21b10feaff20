const spellingsOf = new Map<string, readonly string[]>();

/** Shortest secret that is looked for: shorter ones turn up by chance. */
const minLength = 8;

/** Makes a text known as a secret: from now on no output may show it. Gives it back. */
export function secret(text: string): string {
  if (text.length < minLength) throw new Error(`a secret for tests has at least ${minLength} characters`);
  if (!spellingsOf.has(text)) spellingsOf.set(text, spellings(text));
  return text;
}

/** The known secrets that an output shows: as they are, as a URL or JSON has them, or in base64 of any surroundings. */
export function shownSecrets(output: string): string[] {
  return [...spellingsOf].flatMap(([text, all]) =>
    all.some((spelling) => output.includes(spelling)) ? [text] : [],
  );
}

/** @throws Error naming the secrets that the output shows. */
export function expectNoSecrets(output: string, whose: string): void {
  const shown = shownSecrets(output);
  if (shown.length > 0) throw new Error(`${whose} shows ${JSON.stringify(shown)}:\n${output}`);
}

function spellings(text: string): string[] {
  const bytes = Buffer.from(text, "utf8");
  const all = [text, encodeURIComponent(text), JSON.stringify(text).slice(1, -1)];
  for (const before of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
    // characters that hold bits of the neighbours are left out
    const core = encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
    all.push(core, core.replaceAll("+", "-").replaceAll("/", "_"));
  }
  return [...new Set(all)];
}
