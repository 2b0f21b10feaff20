import { createReadStream, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A secret that a test run made, by the name that may be shown. */
export interface CapturedSecret {
  readonly name: string;
  readonly text: string;
}

/** Where a secret was found. */
export interface ShownSecret {
  readonly name: string;
  readonly file: string;
  /** The first line of the record it is in; empty in a file without records. */
  readonly record: string;
}

/** What {@link searchCaptured} looked at and found. */
export interface SecretSearch {
  readonly secrets: number;
  readonly files: number;
  readonly bytes: number;
  readonly shown: readonly ShownSecret[];
}

/** The two folders of a directory of captures: secrets, as JSON lines, and what tests saw, as records. */
export const captureFolders = { secrets: "secrets", outputs: "outputs" } as const;

/** Begins the first line of every record of a capture. */
export const recordMark = "=== captured: ";

/**
 * How a text may turn up: as it is, as a URL or JSON has it, or in base64 and base64url with any surroundings. For
 * searching bytes read as latin1.
 */
export function spellingsOf(text: string): string[] {
  const bytes = Buffer.from(text, "utf8");
  const plain = [text, encodeURIComponent(text), JSON.stringify(text).slice(1, -1)];
  const all = plain.map((spelling) => Buffer.from(spelling, "utf8").toString("latin1"));
  for (const before of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
    // characters that hold bits of the neighbours are left out
    const core = encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
    all.push(core, core.replaceAll("+", "-").replaceAll("/", "_"));
  }
  return [...new Set(all)];
}

/**
 * Searches everything that was captured in a directory for every secret listed there, in all its spellings.
 *
 * @throws Error where the directory holds no captures.
 */
export async function searchCaptured(directory: string): Promise<SecretSearch> {
  const secrets = readSecrets(join(directory, captureFolders.secrets));
  const needles = new Needles(secrets);
  const outputs = join(directory, captureFolders.outputs);
  const shown = new Map<string, ShownSecret>();
  const files = readdirSync(outputs).sort();
  let bytes = 0;
  for (const file of files) {
    let rest = "";
    let record = "";
    for await (const chunk of createReadStream(join(outputs, file), { encoding: "latin1" })) {
      bytes += chunk.length;
      const text = rest + chunk;
      let searched = 0;
      for (const { secret, at } of needles.in(text)) {
        record = lastRecord(text.slice(searched, at)) ?? record;
        searched = at;
        const found = { name: secret.name, file, record };
        shown.set(JSON.stringify(found), found);
      }
      record = lastRecord(text.slice(searched)) ?? record;
      rest = text.slice(Math.max(0, text.length - needles.longest));
    }
  }
  return { secrets: secrets.length, files: files.length, bytes, shown: [...shown.values()] };
}

/** Every spelling of every secret, found by its first characters in one pass over a text. */
class Needles {
  /** The longest spelling's length. */
  readonly longest: number;
  private readonly byStart = new Map<
    string,
    { readonly secret: CapturedSecret; readonly spelling: string }[]
  >();
  /** Which three characters begin a spelling. */
  private readonly begins = new Uint8Array(1 << 24);

  constructor(secrets: readonly CapturedSecret[]) {
    let longest = 0;
    for (const secret of secrets) {
      for (const spelling of spellingsOf(secret.text)) {
        longest = Math.max(longest, spelling.length);
        const start = spelling.slice(0, startLength);
        const those = this.byStart.get(start) ?? [];
        those.push({ secret, spelling });
        this.byStart.set(start, those);
        this.begins[(codeAt(start, 0) << 16) | (codeAt(start, 1) << 8) | codeAt(start, 2)] = 1;
      }
    }
    this.longest = longest;
  }

  *in(text: string): Generator<{ readonly secret: CapturedSecret; readonly at: number }> {
    let three = 0;
    for (let end = 0; end < text.length; end++) {
      three = ((three << 8) | codeAt(text, end)) & 0xffffff;
      if (this.begins[three] !== 1) continue;
      const at = end - 2;
      for (const { secret, spelling } of this.byStart.get(text.slice(at, at + startLength)) ?? []) {
        if (text.startsWith(spelling, at)) yield { secret, at };
      }
    }
  }
}

/** Shorter than any spelling of a secret of eight characters. */
const startLength = 8;

function codeAt(latin1: string, index: number): number {
  return latin1.charCodeAt(index) & 0xff;
}

function lastRecord(text: string): string | undefined {
  const at = text.lastIndexOf(recordMark);
  return at < 0 ? undefined : text.slice(at + recordMark.length).split("\n", 1)[0];
}

function readSecrets(folder: string): CapturedSecret[] {
  const byText = new Map<string, CapturedSecret>();
  for (const file of readdirSync(folder)) {
    for (const line of readFileSync(join(folder, file), "utf8").split("\n")) {
      if (line === "") continue;
      const secret: CapturedSecret = JSON.parse(line);
      byText.set(secret.text, secret);
    }
  }
  return [...byText.values()];
}
